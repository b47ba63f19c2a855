// SPDX-License-Identifier: MIT
//
// What the server sends on its own: to whom, in which order, with which arguments.
using Microsoft.AspNetCore.SignalR.Client;

namespace Conformance;

[Area("sending")]
public static class Sending
{
    /// <summary>Starts n clients, runs `body`, ends them.</summary>
    internal static async Task With(Way way, int n, Func<Client[], Task> body, Func<int, string?>? token = null)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, n).Select(i => Client.Start(way, token: token is null ? null : () => token(i))));
        try { await body(all); }
        finally { await Task.WhenAll(all.Select(c => c.DisposeAsync().AsTask())); }
    }

    /// <summary>Sends by `send`, then to each a fence: exactly `receivers` have got the message before it.</summary>
    private static async Task Reaches(Client[] all, Client[] receivers, Func<string, Task> send)
    {
        string msg = Client.Unique("msg"), fence = Client.Unique("fence");
        await send(msg);
        foreach (var c in all)
        {
            await all[0].Call("SendClient", c.Id, fence);
            await c.Recv.One(fence);
            Check.Same(receivers.Contains(c) ? 1 : 0, c.Recv.All.Count(m => Equals(m, msg)), $"messages of client {Array.IndexOf(all, c)}");
        }
    }

    [Behaviour("all, others, caller, all except")]
    public static Task Everyone(Way way) => With(way, 3, async all =>
    {
        var (a, b, c) = (all[0], all[1], all[2]);
        await Reaches(all, all, msg => a.Call("SendAll", msg));
        await Reaches(all, [b, c], msg => a.Call("SendOthers", msg));
        await Reaches(all, [a], msg => a.Call("SendCaller", msg));
        await Reaches(all, [a, c], msg => a.Call("SendAllExcept", new[] { b.Id, "unknown" }, msg));
    });

    [Behaviour("one client and several")]
    public static Task ById(Way way) => With(way, 3, async all =>
    {
        var (a, b, c) = (all[0], all[1], all[2]);
        await Reaches(all, [b], msg => a.Call("SendClient", b.Id, msg));
        await Reaches(all, [a, c], msg => a.Call("SendClients", new[] { a.Id, c.Id, "unknown" }, msg));
        await Reaches(all, [], msg => a.Call("SendClient", "unknown", msg));
    });

    [Behaviour("groups")]
    public static Task Groups(Way way) => With(way, 4, async all =>
    {
        var (a, b, c, d) = (all[0], all[1], all[2], all[3]);
        string g = Client.Unique("g"), h = Client.Unique("h");
        await Task.WhenAll(a.Call("JoinGroup", g), b.Call("JoinGroup", g), b.Call("JoinGroup", g), c.Call("JoinGroup", h));
        await Reaches(all, [a, b], msg => a.Call("SendGroup", g, msg));
        await Reaches(all, [a, b], msg => d.Call("SendGroup", g, msg));
        await Reaches(all, [a, b, c], msg => a.Call("SendGroups", new[] { g, h }, msg));
        await Reaches(all, [a], msg => a.Call("SendGroupExcept", g, new[] { b.Id }, msg));
        await Reaches(all, [b], msg => a.Call("SendOthersInGroup", g, msg));
        await b.Call("LeaveGroup", g);
        await Reaches(all, [a], msg => a.Call("SendGroup", g, msg));
        await Reaches(all, [], msg => a.Call("SendGroup", g.ToUpperInvariant(), msg));
    });

    [Behaviour("membership of another connection")]
    public static Task OthersMembership(Way way) => With(way, 2, async all =>
    {
        var (a, b) = (all[0], all[1]);
        var g = Client.Unique("g");
        await a.Call("AddToGroup", b.Id, g);
        await a.Call("AddToGroup", "unknown", g);
        await Reaches(all, [b], msg => a.Call("SendGroup", g, msg));
        await a.Call("RemoveFromGroup", b.Id, g);
        await Reaches(all, [], msg => a.Call("SendGroup", g, msg));
    });

    [Behaviour("membership ends with the connection")]
    public static Task MembershipEnds(Way way) => With(way, 1, async all =>
    {
        var g = Client.Unique("g");
        await using var other = await Client.Start(way);
        await other.Call("JoinGroup", g);
        await other.Connection.StopAsync();
        Check.Same("disconnected", (await all[0].Call<LifeEvent?>("AwaitEvent", other.Id, "disconnected", 8000))?.Kind);
        await other.Connection.StartAsync();
        await all[0].Call("SendGroup", g, "nobody");
        await other.Call("SendCaller", "fence");
        await other.Recv.One("fence");
        Check.Same(["fence"], other.Own.All);
    });

    [Behaviour("several arguments and none")]
    public static Task Arguments(Way way) => With(way, 1, async all =>
    {
        var c = all[0];
        var got = new Inbox<object?>();
        c.Connection.On<int, string, string?, int[], Dictionary<string, int>>("args", (n, text, nothing, list, map) =>
            got.Push(new object?[] { n, text, nothing, list, map }));
        c.Connection.On("noargs", () => got.Push("none"));
        await c.Call("SendArgs");
        await c.Call("SendNoArgs");
        await got.Count(2);
        Check.Same([new object?[] { 1, "two", null, new[] { 3 }, new Dictionary<string, int> { ["k"] = 4 } }, "none"], got.All);
    });

    [Behaviour("objects of a declared type")]
    public static Task Objects(Way way) => With(way, 2, async all =>
    {
        var got = new Inbox<Node>();
        all[1].Connection.On<Node>("node", got.Push);
        var node = new Node { Name = "n", Count = 7, Tags = ["t"], Map = new() { ["x"] = 1 }, Child = new() { Name = "child" } };
        await all[0].Call("SendTo", all[1].Id, "node", new object[] { node });
        Check.Same(node, await got.One(_ => true, "the node"));
    });

    [Behaviour("several handlers, one taken away")]
    public static Task Handlers(Way way) => With(way, 1, async all =>
    {
        var c = all[0];
        var got = new Inbox<string>();
        using var first = c.Connection.On<string>("say", text => got.Push("first " + text));
        c.Connection.On<string>("say", text => got.Push("second " + text));
        await c.Call("SendTo", c.Id, "say", new object[] { "a" });
        await got.Count(2);
        first.Dispose();
        await c.Call("SendTo", c.Id, "say", new object[] { "b" });
        await got.One("second b");
        Check.Same(["first a", "second a", "second b"], got.All);
    });

    [Behaviour("a target nobody handles does no harm")]
    public static Task NoHandler(Way way) => With(way, 1, async all =>
    {
        await all[0].Call("SendTo", all[0].Id, "nobody", new object[] { 1, "two" });
        Check.Same(2, await all[0].Call<int>("Add", 1, 1));
    });

    [Behaviour("sends arrive in order")]
    public static Task Order(Way way) => With(way, 1, async all =>
    {
        await all[0].Call("SendMany", 500);
        await all[0].Own.Count(500);
        Check.Same([.. Enumerable.Range(0, 500).Select(n => (object?)(long)n)], all[0].Own.All);
    });

    [Behaviour("from outside any hub method")]
    public static Task Outside(Way way) => With(way, 3, async all =>
    {
        var (a, b) = (all[0], all[1]);
        var g = Client.Unique("g");
        await b.Call("JoinGroup", g);
        await Reaches(all, [a], msg => Client.Post("/api/broadcast", new { target = "recv", args = new[] { msg }, connection = a.Id }));
        await Reaches(all, [b], msg => Client.Post("/api/broadcast", new { target = "recv", args = new[] { msg }, group = g }));
        await Reaches(all, all, msg => Client.Post("/api/broadcast", new { target = "recv", args = new[] { msg } }));
    });
}

/// <summary>Clients of every way on one hub.</summary>
[Area("across ways")]
public static class AcrossWays
{
    [Behaviour("one broadcast reaches every way", Over.Once)]
    public static async Task Broadcast(Way _)
    {
        var all = await Task.WhenAll(Way.Every.Select(way => Client.Start(way)));
        try
        {
            var node = new Dictionary<string, object?> { ["n"] = 1, ["list"] = new object?[] { true, null, "x" } };
            await all[0].Call("SendAll", node);
            foreach (var c in all)
            {
                var want = new SortedDictionary<string, object?>(StringComparer.Ordinal) { ["n"] = 1L, ["list"] = new object?[] { true, null, "x" } };
                Check.Same<object?>(want, await c.Recv.One(m => m is SortedDictionary<string, object?>, "the object"));
            }
        }
        finally { await Task.WhenAll(all.Select(c => c.DisposeAsync().AsTask())); }
    }

    [Behaviour("bytes go from one protocol to the other", Over.Once)]
    public static async Task Bytes(Way _)
    {
        var binary = Way.Every.First(w => w.MessagePack);
        await using var a = await Client.Start(Way.Json);
        await using var b = await Client.Start(binary);
        var got = new Inbox<string>();
        b.Connection.On<string>("say", got.Push);
        await a.Call("SendTo", b.Id, "say", new object[] { "żółć" });
        await got.One("żółć");
        a.Connection.On<string, string>("ask", q => q + "!");
        Check.Same("well?!", await b.Call<string>("AskClient", a.Id, "well?"));
    }
}
