// SPDX-License-Identifier: MIT
//
// Calls and their answers: values of each kind, typed and untyped, errors, order.
using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Conformance;

[Area("calls")]
public static class Calls
{
    [Behaviour("a client knows itself")]
    public static async Task KnowsItself(Way way)
    {
        await using var c = await Client.Start(way);
        var me = await c.Who();
        Check.Same(way.Transport.ToString(), me.Transport);
        Check.Same(null, me.UserIdentifier);
        Check.True(!me.Authenticated && me.ItemsCount == 0 && me.ServerName != "" && me.ConnectionId.Length >= 16);
        if (!way.Skip) Check.Same(c.Connection.ConnectionId, me.ConnectionId);
    }

    [Behaviour("typed values of each kind")]
    public static async Task Typed(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(42, await c.Call<int>("Add", 40, 2));
        foreach (var text in new[] { "", "hello", "żółć 漢字 🚀 \0\u001f\"\\/\u2028", new string('z', 5000), null })
            Check.Same(text, await c.Call<string?>("EchoString", text));
        foreach (var n in new[] { 0, 1, -1, 127, 128, -129, 65536, int.MaxValue, int.MinValue }) Check.Same(n, await c.Call<int>("EchoInt", n));
        foreach (var n in new[] { 1L << 53, (1L << 53) + 1, long.MaxValue, long.MinValue, uint.MaxValue }) Check.Same(n, await c.Call<long>("EchoLong", n));
        foreach (var n in new[] { 0.1, 3, -1.5, 1e300, double.Epsilon, double.MaxValue }) Check.Same(n, await c.Call<double>("EchoDouble", n));
        Check.Same(true, await c.Call<bool>("EchoBool", true));
        Check.Same(["a", "", "ü"], await c.Call<string[]>("EchoStrings", (object)new[] { "a", "", "ü" }));
    }

    [Behaviour("untyped values of each kind")]
    public static async Task Untyped(Way way)
    {
        await using var c = await Client.Start(way);
        object?[] values =
        [
            null, true, false, 0L, -1L, 4294967296L, (1L << 53) - 1, 0.5, "text", new object?[] { }, new object?[] { 1L, "two", null, 3.5 },
            new SortedDictionary<string, object?> { ["a"] = new SortedDictionary<string, object?> { ["b"] = new object?[] { null, 1L } }, ["ü"] = -128L },
        ];
        foreach (var value in values) Check.Same(value, Values.Plain(await c.Call<object?>("Echo", value)));
        Check.Same(new object?[] { 1L, "b", null }, Values.Plain(await c.Call<object>("EchoMany", 1, "b", null)));
    }

    [Behaviour("bytes")]
    public static async Task Bytes(Way way)
    {
        await using var c = await Client.Start(way);
        foreach (var length in new[] { 0, 1, 255, 256, 20000 })
        {
            var bytes = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
            Check.Same(bytes, await c.Call<byte[]>("Bytes", bytes));
        }
    }

    [Behaviour("dates")]
    public static async Task Dates(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(new DateTime(2020, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc), (await c.Call<DateTime>("MakeDate")).ToUniversalTime());
        foreach (var date in new[] { new DateTime(1999, 12, 31, 23, 59, 59, 123, DateTimeKind.Utc), new DateTime(1901, 2, 3, 4, 5, 6, DateTimeKind.Utc),
            new DateTime(2400, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(1234567) })
            Check.Same(date, (await c.Call<DateTime>("EchoDate", date)).ToUniversalTime());
    }

    [Behaviour("values of .NET through a method that takes anything")]
    public static async Task Anything(Way way)
    {
        await using var c = await Client.Start(way);
        async Task Returns<T>(params T[] values)
        {
            foreach (var value in values) Check.Same(value, await c.Call<T>("Echo", value), typeof(T).Name);
        }
        await Returns(Guid.Empty, new Guid("0f8fad5b-d9cb-469f-a165-70867728950e"));
        await Returns(0m, -1.5m, 12345.6789m);
        await Returns(0UL, 1UL << 53);
        await Returns(byte.MinValue, byte.MaxValue);
        await Returns(short.MinValue, short.MaxValue);
        await Returns(Colour.Red, Colour.Blue);
        await Returns<int?>(null, 7);
        await Returns<Guid?>(null, new Guid("0f8fad5b-d9cb-469f-a165-70867728950e"));
        await Returns('x', 'ż');
        await Returns(1.5f, -0.25f);
        await Returns(TimeSpan.Zero, TimeSpan.FromMilliseconds(90061001));
        await Returns(new Uri("http://app.example/path?x=1"));
        await Returns(new Point(1, null), new Point(-2, "two"));
        await Returns(new[] { new Point(1, "a"), new Point(2, "b") });
        await Returns(new Dictionary<string, int[]> { ["x"] = [1, 2], ["y"] = [] });
    }

    [Behaviour("integers of 64 bits through a method that takes anything", Over.Binary)]
    public static async Task Wide(Way way)
    {
        await using var c = await Client.Start(way);
        foreach (var n in new[] { long.MinValue, (1L << 53) + 1, long.MaxValue }) Check.Same(n, await c.Call<long>("Echo", n));
        Check.Same(ulong.MaxValue, await c.Call<ulong>("Echo", ulong.MaxValue));
    }

    [Behaviour("objects of a declared type")]
    public static async Task Objects(Way way)
    {
        await using var c = await Client.Start(way);
        var node = new Node { Name = "root", Count = 1, Tags = ["a", "b"], Map = new() { ["x"] = 1 }, Child = new() { Name = null, Map = new() { ["z"] = 4 } } };
        Check.Same(node, await c.Call<Node>("EchoNode", node));
        Check.Same(new NodeInfo { Name = "root", Depth = 2, TagCount = 2, MapSum = 5 }, await c.Call<NodeInfo>("DescribeNode", node));
    }

    [Behaviour("edge values")]
    public static async Task EdgeValues(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(new Edges
        {
            Empty = "", Unicode = "żółć 漢字 🚀 \0\u001f\"\\/", Int64Max = long.MaxValue, Int64Min = long.MinValue, Int32Max = int.MaxValue,
            DoubleMax = double.MaxValue, DoubleTiny = double.Epsilon, Half = 0.5, Yes = true, EmptyList = [], EmptyMap = [],
        }, await c.Call<Edges>("EdgeValues"));
    }

    [Behaviour("no result and a null result")]
    public static async Task Nothing(Way way)
    {
        await using var c = await Client.Start(way);
        await c.Call("Void");
        Check.Same(null, await c.Call<string?>("Null"));
        Check.Same(null, await c.Call<object?>("Void"));
    }

    [Behaviour("big messages both ways")]
    public static async Task Big(Way way)
    {
        await using var c = await Client.Start(way, "parallel");
        var text = string.Concat(Enumerable.Repeat("ż", 250000));
        Check.True(await c.Call<string>("BigEcho", text) == text);
        Check.True(await c.Call<string>("BigMake", 1000000) == new string('x', 1000000));
    }

    [Behaviour("a message over the limit ends the connection")]
    public static async Task TooBig(Way way)
    {
        await using var c = await Client.Start(way);
        await Check.Fails<Exception>(() => c.Call("BigEcho", new string('y', 33000)));
        await c.Closed.WaitAsync(Client.Patience);
        Check.Same(HubConnectionState.Disconnected, c.Connection.State);
    }

    [Behaviour("send without an answer")]
    public static async Task Send(Way way)
    {
        await using var c = await Client.Start(way);
        await c.Connection.SendAsync("SendCaller", "one way");
        await c.Recv.One("one way");
        await c.Connection.SendAsync("NoSuchMethod", 1);
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("method names ignore case")]
    public static async Task Case(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(3, await c.Call<int>("aDD", 1, 2));
    }

    [Behaviour("many calls in flight")]
    public static async Task InFlight(Way way)
    {
        await using var c = await Client.Start(way);
        var sums = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => c.Call<int>("Add", i, 1000)));
        Check.Same([.. Enumerable.Range(1000, 200)], sums);
    }

    [Behaviour("an error hides its text")]
    public static async Task Hidden(Way way)
    {
        await using var c = await Client.Start(way);
        var error = await Check.Fails<HubException>(() => c.Call("Throw", "secret"));
        Check.Same("An unexpected error occurred invoking 'Throw' on the server.", error.Message);
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("a detailed error shows its text")]
    public static async Task Detailed(Way way)
    {
        await using var c = await Client.Start(way, "parallel");
        var error = await Check.Fails<HubException>(() => c.Call("Throw", "secret"));
        Check.Same("An unexpected error occurred invoking 'Throw' on the server. InvalidOperationException: secret", error.Message);
    }

    [Behaviour("a hub error shows its text")]
    public static async Task Shown(Way way)
    {
        await using var c = await Client.Start(way);
        var error = await Check.Fails<HubException>(() => c.Call("ThrowHub", "visible ż"));
        Check.Same("An unexpected error occurred invoking 'ThrowHub' on the server. HubException: visible ż", error.Message);
    }

    [Behaviour("an unknown method")]
    public static async Task Unknown(Way way)
    {
        await using var c = await Client.Start(way);
        var error = await Check.Fails<HubException>(() => c.Call("NoSuchMethod", 1));
        Check.Same("Failed to invoke 'NoSuchMethod' due to an error on the server. HubException: Method does not exist.", error.Message);
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("arguments that do not fit")]
    public static async Task Misfits(Way way)
    {
        await using var c = await Client.Start(way);
        foreach (var args in new object?[][] { [1], [1, 2, 3], ["one", 2], [] })
        {
            var error = await Check.Fails<HubException>(() => c.Call<int>("Add", args));
            Check.True(error.Message.StartsWith("Failed to invoke 'Add' due to an error on the server."));
        }
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("one call at a time by default")]
    public static async Task InTurn(Way way)
    {
        await using var c = await Client.Start(way);
        var clock = Stopwatch.StartNew();
        var slow = c.Call("Slow", 300);
        Check.Same(2, await c.Call<int>("Add", 1, 1));
        Check.True(clock.ElapsedMilliseconds >= 290); // timers of the two sides may differ a little
        await slow;
    }

    [Behaviour("several at a time where the hub allows it")]
    public static async Task AtOnce(Way way)
    {
        await using var c = await Client.Start(way, "parallel");
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => c.Call("Slow", 500)));
        Check.True(clock.ElapsedMilliseconds < 4000);
    }

    [Behaviour("a caller may give up waiting")]
    public static async Task GivesUp(Way way)
    {
        await using var c = await Client.Start(way, "parallel");
        using var soon = new CancellationTokenSource(100);
        await Check.Fails<OperationCanceledException>(() => c.Connection.InvokeAsync<int>("Slow", 1500, soon.Token));
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("an answer of another type than the caller wants")]
    public static async Task OtherType(Way way)
    {
        await using var c = await Client.Start(way);
        await Check.Fails<Exception>(() => c.Call<int>("EchoString", "no number"));
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("items of a connection")]
    public static async Task Items(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(null, await c.Call<object?>("GetItem", "k"));
        await c.Call("SetItem", "k", "kept");
        Check.Same("kept", await c.Call<string>("GetItem", "k"));
        Check.Same(1, (await c.Who()).ItemsCount);
    }

    [Behaviour("query and headers reach the hub")]
    public static async Task Request(Way way)
    {
        await using var c = await Client.Start(way, "conformance?color=dark%20red", options: o => o.Headers["X-Flavour"] = "mint");
        Check.Same("dark red", await c.Call<string?>("QueryValue", "color"));
        Check.Same(null, await c.Call<string?>("QueryValue", "absent"));
        Check.Same("mint", await c.Call<string?>("HeaderValue", "x-flavour"));
    }
}
