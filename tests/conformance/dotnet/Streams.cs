// SPDX-License-Identifier: MIT
//
// Streams from the server, to the server, and both at once.
using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Conformance;

[Area("streams")]
public static class Streams
{
    private static async IAsyncEnumerable<T> Of<T>(params T[] items)
    {
        foreach (var item in items)
        {
            await Task.Yield();
            yield return item;
        }
    }

    private static async IAsyncEnumerable<int> Failing(int n, string text)
    {
        for (var i = 0; i < n; i++)
        {
            await Task.Yield();
            yield return i;
        }
        throw new InvalidOperationException(text);
    }

    /// <summary>Two streams that end when all items of both are sent: the client cannot go on with one when the other has ended.</summary>
    private static (IAsyncEnumerable<int>, IAsyncEnumerable<int>) EndingTogether(int[] a, int[] b)
    {
        var open = 2;
        var bothSent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async IAsyncEnumerable<int> Until(int[] items)
        {
            foreach (var item in items) yield return item;
            if (Interlocked.Decrement(ref open) == 0) bothSent.SetResult();
            await bothSent.Task;
        }
        return (Until(a), Until(b));
    }

    private static int[] Counting(int n) => [.. Enumerable.Range(0, n)];

    [Behaviour("a server stream to its end")]
    public static async Task Counter(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(Counting(10), await c.Collect<int>("Counter", 10, 0));
        Check.Same(Counting(4), await c.Collect<int>("CounterEnumerable", 4, 20));
        Check.Same([], await c.Collect<int>("Counter", 0, 0));
        Check.Same([], await c.Collect<int>("StreamNow", false));
    }

    [Behaviour("a server stream read by a channel")]
    public static async Task AsChannel(Way way)
    {
        await using var c = await Client.Start(way);
        var reader = await c.Connection.StreamAsChannelAsync<int>("Counter", 50, 0);
        var all = new List<int>();
        while (await reader.WaitToReadAsync().AsTask().WaitAsync(Client.Patience))
            while (reader.TryRead(out var item)) all.Add(item);
        Check.Same(Counting(50), [.. all]);
    }

    [Behaviour("a large fast stream")]
    public static async Task Large(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(Counting(5000), await c.Collect<int>("Counter", 5000, 0));
    }

    [Behaviour("several streams at once")]
    public static async Task Several(Way way)
    {
        await using var c = await Client.Start(way);
        var all = await Task.WhenAll(Enumerable.Range(1, 8).Select(n => c.Collect<int>("Counter", n * 5, 2)));
        for (var n = 1; n <= 8; n++) Check.Same(Counting(n * 5), all[n - 1]);
    }

    [Behaviour("a stream that is left is stopped")]
    public static async Task Left(Way way)
    {
        await using var c = await Client.Start(way);
        using var stop = new CancellationTokenSource();
        var seen = 0;
        try
        {
            await foreach (var _ in c.Connection.StreamAsync<int>("Counter", 100000, 10, stop.Token))
                if (++seen == 3) stop.Cancel();
        }
        catch (OperationCanceledException) { /* the client says so, or not */ }
        Check.Same(1, await c.Call<int>("AwaitCancelled", 1, 5000));
        Check.True(seen < 1000); // those that were under way may come yet
    }

    [Behaviour("streams do not block calls")]
    public static async Task CallsMeanwhile(Way way)
    {
        await using var c = await Client.Start(way);
        using var stop = new CancellationTokenSource();
        var reader = await c.Connection.StreamAsChannelAsync<int>("Counter", 100000, 20, stop.Token);
        Check.Same(0, await reader.ReadAsync());
        Check.Same(2, await c.Call<int>("Add", 1, 1));
        stop.Cancel();
    }

    [Behaviour("a stream that fails")]
    public static async Task Throws(Way way)
    {
        await using var c = await Client.Start(way);
        var error = await Check.Fails<HubException>(() => c.Collect<int>("StreamThrow", 3));
        Check.Same("An error occurred on the server while streaming results.", error.Message);
        error = await Check.Fails<HubException>(() => c.Collect<int>("StreamThrowHub", 3));
        Check.Same("An error occurred on the server while streaming results. HubException: stream failed", error.Message);
        error = await Check.Fails<HubException>(() => c.Collect<int>("StreamNow", true));
        Check.Same("An unexpected error occurred invoking 'StreamNow' on the server.", error.Message);
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("items before the failure arrive")]
    public static async Task ItemsBeforeFailure(Way way)
    {
        await using var c = await Client.Start(way);
        var seen = new List<int>();
        await Check.Fails<HubException>(async () =>
        {
            await foreach (var item in c.Connection.StreamAsync<int>("StreamThrow", 3)) seen.Add(item);
        });
        Check.Same(Counting(3), [.. seen]);
    }

    [Behaviour("a stream method called, a plain one streamed")]
    public static async Task WrongKind(Way way)
    {
        await using var c = await Client.Start(way);
        var error = await Check.Fails<HubException>(() => c.Call("Counter", 3, 0));
        Check.Same("The client attempted to invoke the streaming 'Counter' method with a non-streaming invocation.", error.Message);
        error = await Check.Fails<HubException>(() => c.Collect<int>("Add", 1, 2));
        Check.Same("The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.", error.Message);
    }

    [Behaviour("an upload")]
    public static async Task Upload(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(15, await c.Call<int>("UploadSum", Of(1, 2, 3, 4, 5)));
        Check.Same(0, await c.Call<int>("UploadSum", Of<int>()));
        Check.Same("abż", await c.Call<string>("UploadConcat", Of("a", "b", "ż")));
        Check.Same(300, await c.Call<int>("UploadCount", Of(new object[300])));
        Check.Same("head6tail", await c.Call<string>("UploadMixed", "head", Of(1, 2, 3), "tail"));
    }

    [Behaviour("an upload by a channel")]
    public static async Task UploadChannel(Way way)
    {
        await using var c = await Client.Start(way);
        var channel = Channel.CreateUnbounded<int>();
        var sum = c.Call<int>("UploadSum", channel.Reader);
        for (var i = 1; i <= 100; i++) await channel.Writer.WriteAsync(i);
        channel.Writer.Complete();
        Check.Same(5050, await sum);
    }

    [Behaviour("two uploads in one call")]
    public static async Task TwoUploads(Way way)
    {
        await using var c = await Client.Start(way);
        var (a, b) = EndingTogether([1, 2], [10, 20]);
        Check.Same(new Pair { A = 3, B = 30 }, await c.Call<Pair>("UploadTwo", a, b));
        (a, b) = EndingTogether([1, 2], [10, 20]);
        Check.Same(new Pair { A = 3, B = 30 }, await c.Call<Pair>("UploadTwoApart", a, "label", b));
    }

    [Behaviour("an upload that ends with an error")]
    public static async Task UploadFails(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same("ok", await c.Call<string>("UploadError", Of(1, 2)));
        var said = await c.Call<string>("UploadError", Failing(2, "client broke"));
        Check.True(said.StartsWith("error:") && said.Contains("client broke"), said);
    }

    [Behaviour("a call that returns before its upload ends")]
    public static async Task ReturnsEarly(Way way)
    {
        await using var c = await Client.Start(way);
        var channel = Channel.CreateUnbounded<int>();
        for (var i = 1; i <= 4; i++) await channel.Writer.WriteAsync(i);
        Check.Same(3, await c.Call<int>("UploadFirst", channel.Reader, 2));
        await channel.Writer.WriteAsync(5); // nobody wants it any more
        channel.Writer.Complete();
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("an upload sent without an answer")]
    public static async Task UploadSent(Way way)
    {
        await using var c = await Client.Start(way);
        await c.Connection.SendAsync("UploadSum", Of(1, 2, 3));
        Check.Same(2, await c.Call<int>("Add", 1, 1));
    }

    [Behaviour("both ways at once")]
    public static async Task Echo(Way way)
    {
        await using var c = await Client.Start(way);
        Check.Same(["a", "b", "c"], await c.Collect<string>("StreamEcho", Of("a", "b", "c")));
        Check.Same(["first", "x"], await c.Collect<string>("StreamEchoMany", "first", Of("x")));
        Check.Same([], await c.Collect<string>("StreamEcho", Of<string>()));
    }

    [Behaviour("each item comes back before the next is sent")]
    public static async Task ItemByItem(Way way)
    {
        await using var c = await Client.Start(way);
        var up = Channel.CreateUnbounded<Node>();
        var down = await c.Connection.StreamAsChannelCoreAsync<Node>("StreamEcho", [up.Reader]);
        for (var i = 0; i < 5; i++)
        {
            var node = new Node { Name = $"n{i}", Count = i, Tags = ["t"], Child = new() { Name = "child" } };
            await up.Writer.WriteAsync(node);
            Check.Same(node, await down.ReadAsync().AsTask().WaitAsync(Client.Patience));
        }
        up.Writer.Complete();
        Check.True(!await down.WaitToReadAsync().AsTask().WaitAsync(Client.Patience));
    }
}
