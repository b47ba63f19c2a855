// SPDX-License-Identifier: MIT
//
// What a test is: a public static method with a name, in a class with a name, run over ways; and the list of those that the server
// cannot pass yet (../not-yet.json), which ../lib/suite.mjs reads in the same manner.
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Connections;

namespace Conformance;

[AttributeUsage(AttributeTargets.Class)]
public sealed class AreaAttribute(string name) : Attribute
{
    public string Name => name;
}

[AttributeUsage(AttributeTargets.Method)]
public sealed class BehaviourAttribute(string name, Over over = Over.EveryWay) : Attribute
{
    public string Name => name;
    public Over Over => over;
}

/// <summary>The ways a behaviour is run over.</summary>
public enum Over
{
    EveryWay,
    Negotiated,
    /// <summary>Ways on which stateful reconnect is possible.</summary>
    Stateful,
    /// <summary>Ways whose two sides watch each other by pings: all but Long Polling.</summary>
    Pinged,
    /// <summary>Ways that speak MessagePack.</summary>
    Binary,
    /// <summary>One run: what depends on no way, or mixes them.</summary>
    Once,
}

public sealed record Way(string Name, HttpTransportType Transport, bool MessagePack = false, bool Skip = false)
{
    public static readonly Way Json = new("ws json", HttpTransportType.WebSockets);

    /// <summary>Every way the official client can talk.</summary>
    public static readonly Way[] Every =
    [
        Json,
        new("ws messagepack", HttpTransportType.WebSockets, MessagePack: true),
        new("ws json skipNegotiation", HttpTransportType.WebSockets, Skip: true),
        new("ws messagepack skipNegotiation", HttpTransportType.WebSockets, MessagePack: true, Skip: true),
        new("sse json", HttpTransportType.ServerSentEvents),
        new("lp json", HttpTransportType.LongPolling),
        new("lp messagepack", HttpTransportType.LongPolling, MessagePack: true),
    ];

    public static IEnumerable<Way> For(Over over, NotYet notYet) => over switch
    {
        Over.Once => [Json],
        Over.Stateful => Existing(notYet).Where(w => !w.Skip && w.Transport == HttpTransportType.WebSockets),
        Over.Pinged => Existing(notYet).Where(w => w.Transport != HttpTransportType.LongPolling),
        Over.Binary => Existing(notYet).Where(w => w.MessagePack),
        Over.Negotiated => Existing(notYet).Where(w => !w.Skip),
        _ => Existing(notYet),
    };

    private static IEnumerable<Way> Existing(NotYet notYet) => Every.Where(w => notYet.HasWay(w.Name));
}

public sealed record Test(string Area, string Behaviour, Way Way, Func<Way, Task> Body, bool Once)
{
    /// <summary>The name in not-yet.json for every way.</summary>
    public string Key => $"dotnet > {Area} > {Behaviour}";
    public string Name => Once ? Key : $"dotnet: {Way.Name} > {Area} > {Behaviour}";
}

/// <summary>NOT_YET_FILE, or nothing listed when that is not set (a server that has everything).</summary>
public sealed class NotYet
{
    private readonly Dictionary<string, string> _reasons = [];
    private readonly HashSet<string> _seen = [];
    private HashSet<string>? _ways;

    public static NotYet Load()
    {
        var all = new NotYet();
        if (Environment.GetEnvironmentVariable("NOT_YET_FILE") is not { Length: > 0 } file) return all;
        using var list = JsonDocument.Parse(File.ReadAllText(file));
        all._ways = [.. list.RootElement.GetProperty("ways").EnumerateArray().Select(w => w.GetString()!)];
        foreach (var group in list.RootElement.GetProperty("tests").EnumerateArray())
            foreach (var name in group.GetProperty("names").EnumerateArray())
                all._reasons.Add(name.GetString()!, group.GetProperty("reason").GetString()!);
        return all;
    }

    public bool HasWay(string name) => _ways is null || _ways.Contains(name);

    public string? ReasonOf(Test test)
    {
        foreach (var name in new[] { test.Name, test.Key })
        {
            if (!_reasons.TryGetValue(name, out var reason)) continue;
            lock (_seen) _seen.Add(name);
            return reason;
        }
        return null;
    }

    /// <summary>Tells the runner which of the listed names exist.</summary>
    public void WriteSeen()
    {
        if (Environment.GetEnvironmentVariable("NOT_YET_SEEN") is { Length: > 0 } file) File.AppendAllLines(file, _seen);
    }
}

public sealed class Failure(string message) : Exception(message);

public static class Check
{
    private static readonly JsonSerializerOptions Shown = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Both are the same written as JSON: values, lists, objects by their members.</summary>
    public static void Same<T>(T want, T got, [CallerArgumentExpression(nameof(got))] string what = "", [CallerLineNumber] int line = 0,
        [CallerFilePath] string file = "")
    {
        string wanted = JsonSerializer.Serialize(want, Shown), found = JsonSerializer.Serialize(got, Shown);
        if (wanted != found) throw new Failure($"{what} ({Path.GetFileName(file)}:{line})\nwanted {Short(wanted)}\ngot    {Short(found)}");
    }

    public static void True(bool holds, [CallerArgumentExpression(nameof(holds))] string what = "", [CallerLineNumber] int line = 0,
        [CallerFilePath] string file = "")
    {
        if (!holds) throw new Failure($"does not hold: {what} ({Path.GetFileName(file)}:{line})");
    }

    /// <summary>The exception that `action` ends with; none, or one of another kind, is a failure of the test.</summary>
    public static async Task<T> Fails<T>(Func<Task> action, [CallerArgumentExpression(nameof(action))] string what = "") where T : Exception
    {
        try { await action().WaitAsync(Client.Patience); }
        catch (TimeoutException) when (typeof(T) != typeof(TimeoutException)) { throw new Failure($"did not end: {what}"); }
        catch (T error) { return error; }
        throw new Failure($"did not fail: {what}");
    }

    private static string Short(string text) => text.Length <= 400 ? text : text[..400] + $"... ({text.Length})";
}
