// SPDX-License-Identifier: MIT
//
// Client results: the server asks, the client's handler answers.
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Conformance;

[Area("client results")]
public static class Results
{
    private static async Task Two(Way way, Func<Client, Client, Task> body, string hub = "conformance")
    {
        await using var a = await Client.Start(way, hub);
        await using var b = await Client.Start(way, hub);
        await body(a, b);
    }

    [Behaviour("a handler's result reaches the asker")]
    public static Task Answer(Way way) => Two(way, async (a, b) =>
    {
        using var _ = b.Connection.On<string, string>("ask", question => $"{question}? ż");
        Check.Same("why? ż", await a.Call<string>("AskClient", b.Id, "why"));
        Check.Same("why? ż", await a.Call<string>("AskClientInHub", b.Id, "why"));
    });

    [Behaviour("a handler that takes its time")]
    public static Task Later(Way way) => Two(way, async (a, b) =>
    {
        b.Connection.On<string, string>("ask", async question =>
        {
            await Task.Delay(100);
            return question.ToUpperInvariant();
        });
        Check.Same("LATER", await a.Call<string>("AskClient", b.Id, "later"));
    });

    [Behaviour("many questions at once")]
    public static Task Many(Way way) => Two(way, async (a, b) =>
    {
        b.Connection.On<string, string>("ask", question => "re " + question);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => a.Call<string>("AskClient", b.Id, $"q{i}")));
        Check.Same([.. Enumerable.Range(0, 20).Select(i => $"re q{i}")], answers);
    }, "parallel");

    [Behaviour("a number, and a string where a number is wanted")]
    public static Task Typed(Way way) => Two(way, async (a, b) =>
    {
        using (b.Connection.On<string, int>("ask", question => question.Length))
            Check.Same(4, await a.Call<int>("AskClientInt", b.Id, "four"));
        using (b.Connection.On<string, string>("ask", _ => "no number"))
            await Check.Fails<HubException>(() => a.Call<int>("AskClientInt", b.Id, "four"));
        Check.Same(2, await a.Call<int>("Add", 1, 1));
        Check.Same(2, await b.Call<int>("Add", 1, 1));
    });

    [Behaviour("a handler that throws")]
    public static Task Throws(Way way) => Two(way, async (a, b) =>
    {
        b.Connection.On<string, string>("ask", string (_) => throw new InvalidOperationException("no idea"));
        var said = await a.Call<string>("AskClientError", b.Id, "");
        Check.True(said.StartsWith("error:") && said.Contains("no idea"), said);
    });

    [Behaviour("a client without the handler")]
    public static Task NoHandler(Way way) => Two(way, async (a, b) =>
    {
        // The client knows the types of arguments by its handlers: without one it cannot read the question.
        Check.Same("error:Client failed to parse argument(s).", await a.Call<string>("AskClientError", b.Id, ""));
    });

    [Behaviour("a connection that does not exist")]
    public static Task Unknown(Way way) => Two(way, async (a, _) =>
        Check.Same("error:Connection 'unknown' does not exist.", await a.Call<string>("AskClientError", "unknown", "")));

    [Behaviour("an answer that comes too late harms nobody")]
    public static Task Timeout(Way way) => Two(way, async (a, b) =>
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        b.Connection.On<string, string>("ask", async question =>
        {
            if (question == "slow") await release.Task;
            return "done";
        });
        Check.Same("timeout", await a.Call<string>("AskClientTimeout", b.Id, "slow", 150));
        release.SetResult();
        Check.Same("done", await a.Call<string>("AskClientTimeout", b.Id, "fast", 8000));
        Check.Same(2, await b.Call<int>("Add", 1, 1));
    });

    [Behaviour("a client that leaves instead of answering")]
    public static Task Leaves(Way way) => Two(way, async (a, b) =>
    {
        var asked = new TaskCompletionSource();
        b.Connection.On<string, string>("ask", async _ =>
        {
            asked.SetResult();
            await Task.Delay(System.Threading.Timeout.Infinite);
            return "";
        });
        var said = a.Call<string>("AskClientError", b.Id, "");
        await asked.Task.WaitAsync(Client.Patience);
        await b.DisposeAsync();
        Check.True((await said).StartsWith("error:"));
    });

    [Behaviour("asking oneself, one call at a time")]
    public static async Task Oneself(Way way)
    {
        await using var c = await Client.Start(way);
        c.Connection.On<string, string>("ask", async question => $"{question} {await c.Call<int>("Add", 20, 22)}");
        Check.Same("is 42", await c.Call<string>("AskClientInHub", c.Id, "is"));
    }

    [Behaviour("asked from outside any hub method")]
    public static async Task Outside(Way way)
    {
        await using var c = await Client.Start(way);
        c.Connection.On<string, string>("ask", question => question + "!");
        var reply = await Client.Post("/api/ask", new { connection = c.Id, question = "abc" });
        Check.Same("abc!", reply?.GetProperty("answer").GetString());
        reply = await Client.Post("/api/ask", new { connection = "unknown", question = "abc" });
        Check.True(reply?.GetProperty("error").GetString()!.Contains("does not exist") ?? false);
    }
}
