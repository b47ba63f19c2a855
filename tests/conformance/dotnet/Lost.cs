// SPDX-License-Identifier: MIT
//
// Connections that end: by the client, by the server, by the network; automatic and stateful reconnect.
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Conformance;

[Area("ends")]
public static class Ends
{
    [Behaviour("a stop is clean on both sides, and a start begins anew")]
    public static async Task Stop(Way way)
    {
        await using var watcher = await Client.Start(way);
        await using var c = await Client.Start(way);
        Check.Same(["connected"], (await watcher.Call<LifeEvent[]>("Events", c.Id)).Select(e => e.Kind).ToArray());
        await c.Connection.StopAsync();
        Check.Same(null, (await c.Closed.WaitAsync(Client.Patience))?.Message);
        var gone = await watcher.Call<LifeEvent?>("AwaitEvent", c.Id, "disconnected", 8000);
        Check.True(gone is { Error: null });
        await c.Connection.StartAsync();
        Check.True((await c.Who()).ConnectionId != c.Id);
    }

    [Behaviour("the hub ends the connection")]
    public static async Task Abort(Way way)
    {
        await using var watcher = await Client.Start(way);
        await using var c = await Client.Start(way);
        await c.Connection.SendAsync("Abort");
        await c.Closed.WaitAsync(Client.Patience);
        Check.True(await watcher.Call<LifeEvent?>("AwaitEvent", c.Id, "disconnected", 8000) is not null);
    }

    [Behaviour("a call that is open when the connection ends fails")]
    public static async Task OpenCall(Way way)
    {
        await using var c = await Client.Start(way, "parallel");
        var slow = Check.Fails<Exception>(() => c.Call("Slow", 2000));
        await c.Call("Void"); // the server has taken the call before
        await c.Connection.StopAsync();
        await slow;
    }

    [Behaviour("no proxy between: a lost connection is closed with an error")]
    public static async Task Lost(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Client.Start(way, url: proxy.Url);
        proxy.Refuse(true);
        proxy.Cut();
        await c.Closed.WaitAsync(Client.Patience);
        Check.Same(HubConnectionState.Disconnected, c.Connection.State);
    }

    [Behaviour("pings keep an idle connection")]
    public static async Task Idle(Way way)
    {
        await using var c = await Client.Start(way, "short", builder: b =>
            b.WithKeepAliveInterval(TimeSpan.FromMilliseconds(500)).WithServerTimeout(TimeSpan.FromSeconds(4)));
        await Task.WhenAny(c.Closed, Task.Delay(5500)); // longer than either side waits for the other
        Check.True(!c.Closed.IsCompleted);
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("the client gives up on a silent server", Over.Pinged)]
    public static async Task SilentServer(Way way)
    {
        using var proxy = new Proxy();
        await using var c = new Client(way, "short", proxy.Url);
        c.Connection.ServerTimeout = TimeSpan.FromMilliseconds(1500);
        await c.Start();
        proxy.Freeze();
        var error = await c.Closed.WaitAsync(Client.Patience);
        Check.True(error is TimeoutException, error?.Message ?? "no error");
    }

    [Behaviour("the server gives up on a silent client", Over.Pinged)]
    public static async Task SilentClient(Way way)
    {
        await using var watcher = await Client.Start(way, "short", builder: b => b.WithKeepAliveInterval(TimeSpan.FromMilliseconds(500)));
        await using var c = await Client.Start(way, "short", builder: b => b.WithKeepAliveInterval(TimeSpan.FromMinutes(1)));
        var gone = await watcher.Call<LifeEvent?>("AwaitEvent", c.Id, "disconnected", 10000);
        Check.Same("Client hasn't sent a message/ping within the configured ClientTimeoutInterval.", gone?.Error);
        await c.Closed.WaitAsync(Client.Patience);
    }

    [Behaviour("a hub that does not exist", Over.Negotiated)]
    public static async Task NoHub(Way way)
    {
        await using var c = new Client(way, "nowhere");
        var error = await Check.Fails<HttpRequestException>(() => c.Connection.StartAsync());
        Check.Same(System.Net.HttpStatusCode.NotFound, error.StatusCode);
    }

    [Behaviour("the best transport is taken", Over.Once)]
    public static async Task Best(Way way)
    {
        await using var c = await Client.Start(way, options: o => o.Transports = HttpTransports.All);
        Check.Same("WebSockets", (await c.Who()).Transport);
    }

    [Behaviour("a hub of one transport", Over.Once)]
    public static async Task OneTransport(Way way)
    {
        await using var c = await Client.Start(way, "lponly", options: o => o.Transports = HttpTransports.All);
        Check.Same("LongPolling", (await c.Who()).Transport);
        await using var refused = new Client(way with { Transport = HttpTransportType.LongPolling }, "wsonly");
        await Check.Fails<Exception>(() => refused.Connection.StartAsync());
    }
}

[Area("automatic reconnect")]
public static class Automatic
{
    private static readonly TimeSpan[] Quick = [TimeSpan.Zero, .. Enumerable.Repeat(TimeSpan.FromMilliseconds(100), 50)];

    [Behaviour("a lost connection is made anew")]
    public static async Task Anew(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Client.Start(way, url: proxy.Url, builder: b => b.WithAutomaticReconnect(Quick));
        await c.Call("SetItem", "k", 1);
        proxy.Cut();
        await c.Changes.One("reconnected");
        Check.Same(["reconnecting", "reconnected"], c.Changes.All);
        var me = await c.Who();
        Check.True(me.ConnectionId != c.Id && me.ItemsCount == 0);
        await c.Call("SendCaller", "again");
        await c.Recv.One("again");
    }

    [Behaviour("it goes on trying while the server is away")]
    public static async Task Trying(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Client.Start(way, url: proxy.Url, builder: b => b.WithAutomaticReconnect(Quick));
        proxy.Refuse(true);
        proxy.Cut();
        await c.Changes.One("reconnecting");
        await Task.Delay(250);
        Check.Same(HubConnectionState.Reconnecting, c.Connection.State);
        proxy.Refuse(false);
        await c.Changes.One("reconnected");
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("it gives up in the end")]
    public static async Task GivesUp(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Client.Start(way, url: proxy.Url, builder: b => b.WithAutomaticReconnect([TimeSpan.Zero, TimeSpan.FromMilliseconds(50)]));
        proxy.Refuse(true);
        proxy.Cut();
        Check.True(await c.Closed.WaitAsync(Client.Patience) is not null);
        Check.Same(["reconnecting"], c.Changes.All);
    }
}

[Area("stateful reconnect")]
public static class Stateful
{
    private static Task<Client> Start(Way way, Proxy proxy, string hub = "conformance", Func<string?>? token = null) =>
        Client.Start(way, hub, proxy.Url, token, builder: b => b.WithStatefulReconnect());

    /// <summary>After `body` it is the same connection: the hub saw one connect, the client no change.</summary>
    private static async Task Survives(Client c, Func<Task> body)
    {
        await body();
        Check.Same(c.Id, (await c.Who()).ConnectionId);
        Check.Same([], c.Changes.All);
        Check.True(!c.Closed.IsCompleted);
        Check.Same(1, (await c.Call<LifeEvent[]>("Events", c.Id)).Length);
    }

    [Behaviour("an idle connection survives a cut", Over.Stateful)]
    public static async Task Idle(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Start(way, proxy);
        var g = Client.Unique("g");
        await c.Call("SetItem", "k", "kept");
        await c.Call("JoinGroup", g);
        await Survives(c, async () =>
        {
            proxy.Cut();
            Check.Same("kept", await c.Call<string>("GetItem", "k"));
            await c.Call("SendGroup", g, "still here");
            await c.Recv.One("still here");
        });
    }

    [Behaviour("a call and a question go on through a cut", Over.Stateful)]
    public static async Task MidCall(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Start(way, proxy, "parallel");
        await using var asker = await Client.Start(way, "parallel");
        c.Connection.On<string, string>("ask", async question => { await Task.Delay(300); return question + "!"; });
        await Survives(c, async () =>
        {
            var slow = c.Call<int>("Slow", 400);
            var answer = asker.Call<string>("AskClient", c.Id, "well");
            await c.Call("Void");
            proxy.Cut();
            Check.Same(400, await slow);
            Check.Same("well!", await answer);
        });
    }

    [Behaviour("messages sent while the client is away arrive once, in order", Over.Stateful)]
    public static async Task Away(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Start(way, proxy);
        await using var sender = await Client.Start(way);
        await Survives(c, async () =>
        {
            proxy.Hold(); // refused, the client would give up at once
            proxy.Cut();
            for (var i = 0; i < 50; i++) await sender.Call("SendClient", c.Id, i);
            proxy.LetGo();
            await c.Own.Count(50);
        });
        Check.Same([.. Enumerable.Range(0, 50).Select(n => (object?)(long)n)], c.Own.All);
    }

    [Behaviour("a stream loses and repeats nothing", Over.Stateful)]
    public static async Task Stream(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Start(way, proxy);
        await Survives(c, async () =>
        {
            var seen = new List<int>();
            await foreach (var item in c.Connection.StreamAsync<int>("Counter", 200, 5))
            {
                seen.Add(item);
                if (item is 40 or 120) proxy.Cut();
            }
            Check.Same([.. Enumerable.Range(0, 200)], seen);
        });
    }

    [Behaviour("an upload loses and repeats nothing", Over.Stateful)]
    public static async Task Upload(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Start(way, proxy);
        async IAsyncEnumerable<int> Items()
        {
            for (var i = 1; i <= 200; i++)
            {
                yield return i;
                if (i % 50 == 0) proxy.Cut();
                await Task.Delay(2);
            }
        }
        await Survives(c, async () => Check.Same(20100, await c.Call<int>("UploadSum", Items())));
    }

    [Behaviour("many cuts in a row, identified client", Over.Stateful)]
    public static async Task ManyCuts(Way way)
    {
        using var proxy = new Proxy();
        await using var c = await Start(way, proxy, "secure", () => Token.For("anna"));
        await Survives(c, async () =>
        {
            for (var i = 0; i < 5; i++)
            {
                proxy.Cut();
                Check.Same(i + 1, await c.Call<int>("Add", i, 1));
            }
            Check.Same("anna", (await c.Who()).UserIdentifier);
        });
    }

    [Behaviour("a client that does not come back is gone in the end", Over.Stateful)]
    public static async Task NeverBack(Way way)
    {
        using var proxy = new Proxy();
        await using var watcher = await Client.Start(way);
        await using var c = await Start(way, proxy);
        proxy.Refuse(true);
        proxy.Cut();
        Check.True(await watcher.Call<LifeEvent?>("AwaitEvent", c.Id, "disconnected", 10000) is not null);
    }
}
