// SPDX-License-Identifier: MIT
//
// Who a client is: tokens, users, roles.
using System.Net;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Conformance;

[Area("users")]
public static class Users
{
    [Behaviour("a token says who the client is")]
    public static async Task Identified(Way way)
    {
        await using var c = await Client.Start(way, "secure", token: () => Token.For("anna"));
        var me = await c.Who();
        Check.Same("anna", me.UserIdentifier);
        Check.True(me.Authenticated);
        await using var open = await Client.Start(way, token: () => Token.For("ben"));
        Check.Same("ben", (await open.Who()).UserIdentifier);
    }

    [Behaviour("a user is every connection of theirs")]
    public static async Task ByUser(Way way)
    {
        string anna = Client.Unique("anna"), ben = Client.Unique("ben"), eve = Client.Unique("eve");
        string[] users = [anna, anna, ben, eve];
        await Sending.With(way, 4, async all =>
        {
            await all[3].Call("SendUser", anna, "to anna");
            await all[3].Call("SendUsers", new[] { anna, ben, "nobody" }, "to both");
            await Client.Post("/api/broadcast", new { target = "recv", args = new[] { "from outside" }, user = ben });
            foreach (var c in all) await all[3].Call("SendClient", c.Id, "fence");
            foreach (var c in all) await c.Recv.One("fence");
            foreach (var c in all[..2]) Check.Same(["to anna", "to both", "fence"], c.Own.All);
            Check.Same(["to both", "from outside", "fence"], all[2].Own.All);
            Check.Same(["fence"], all[3].Own.All);
        }, i => Token.For(users[i]));
    }

    [Behaviour("without a good token the door is shut", Over.Negotiated)]
    public static async Task Refused(Way way)
    {
        foreach (var token in new[] { null, "garbage", Token.For("eve", seconds: -10), Token.For("eve", key: "another key, which is long enough too!"),
            Token.For("eve", issuer: "somebody") })
        {
            await using var c = new Client(way, "secure", token: token is null ? null : () => token);
            var error = await Check.Fails<HttpRequestException>(() => c.Connection.StartAsync());
            Check.Same(HttpStatusCode.Unauthorized, error.StatusCode);
        }
    }

    [Behaviour("a method for a role")]
    public static async Task Roles(Way way)
    {
        await using var admin = await Client.Start(way, "secure", token: () => Token.For("root", role: "admin"));
        Check.Same("admin", await admin.Call<string>("AdminOnly"));
        await using var guest = await Client.Start(way, "secure", token: () => Token.For("guest", role: "guest"));
        var error = await Check.Fails<HubException>(() => guest.Call("AdminOnly"));
        Check.Same("Failed to invoke 'AdminOnly' because user is unauthorized", error.Message);
        Check.Same(2, await guest.Call<int>("Add", 1, 1));
    }

    [Behaviour("a bad token on an open hub is nobody")]
    public static async Task Nobody(Way way)
    {
        await using var c = await Client.Start(way, token: () => "garbage");
        var me = await c.Who();
        Check.Same(null, me.UserIdentifier);
        Check.True(!me.Authenticated);
    }

    [Behaviour("the connection ends when the token expires")]
    public static async Task Expires(Way way)
    {
        await using var c = await Client.Start(way, "secure", token: () => Token.For("anna", seconds: 3));
        await c.Closed.WaitAsync(Client.Patience);
    }
}
