// SPDX-License-Identifier: MIT
//
// The official client, dressed for tests, and what tests share: a list that others fill, tokens, the values of untyped messages.
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Connections.Client;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Conformance;

/// <summary>A list that others fill and a test awaits.</summary>
public sealed class Inbox<T>
{
    private readonly List<T> _items = [];
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Push(T item)
    {
        TaskCompletionSource wake;
        lock (_items)
        {
            _items.Add(item);
            (wake, _added) = (_added, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        wake.SetResult();
    }

    public T[] All { get { lock (_items) return [.. _items]; } }

    /// <summary>The first item that is wanted, here already or to come.</summary>
    public async Task<T> One(Func<T, bool> wanted, string what = "an item")
    {
        await When(all => all.Exists(i => wanted(i)), what);
        return All.First(wanted);
    }

    public Task<T> One(T item) => One(i => Equals(i, item), $"item {item}");
    public Task Count(int n) => When(all => all.Count >= n, $"{n} items");

    private async Task When(Func<List<T>, bool> holds, string what)
    {
        using var limit = new CancellationTokenSource(Client.Patience);
        while (true)
        {
            Task added;
            lock (_items)
            {
                if (holds(_items)) return;
                added = _added.Task;
            }
            try { await added.WaitAsync(limit.Token); }
            catch (OperationCanceledException) { throw new Failure($"never came: {what}; there: {JsonSerializer.Serialize(All)}"); }
        }
    }
}

public sealed class Client : IAsyncDisposable
{
    /// <summary>How long anything that must come may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);
    public static readonly string Base = (Environment.GetEnvironmentVariable("BASE_URL") ?? "http://127.0.0.1:5102").TrimEnd('/');
    private static readonly HttpClient Http = new();

    public HubConnection Connection { get; }
    public Inbox<object?> Recv { get; } = new();
    /// <summary>The same without what other tests send to everyone meanwhile: a name of Unique("msg"), or an object.</summary>
    public Inbox<object?> Own { get; } = new();
    public Inbox<string> Changes { get; } = new();
    /// <summary>Ends when the connection is over for good, with its reason.</summary>
    public Task<Exception?> Closed => _closed.Task;
    /// <summary>Its id as the hub knows it (the client does not know one without negotiation).</summary>
    public string Id { get; private set; } = "";
    private readonly TaskCompletionSource<Exception?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Client(Way way, string hub = "conformance", string? url = null, Func<string?>? token = null, Action<HttpConnectionOptions>? options = null,
        Action<IHubConnectionBuilder>? builder = null)
    {
        var make = new HubConnectionBuilder().WithUrl($"{url ?? Base}/{hub}", o =>
        {
            o.Transports = way.Transport;
            o.SkipNegotiation = way.Skip;
            if (token is not null) o.AccessTokenProvider = () => Task.FromResult(token());
            options?.Invoke(o);
        });
        if (way.MessagePack) make.AddMessagePackProtocol();
        builder?.Invoke(make);
        Connection = make.Build();
        Connection.On<object?>("recv", value =>
        {
            var plain = Values.Plain(value);
            var toEveryone = plain is SortedDictionary<string, object?> || plain is string text && text.StartsWith("msg-");
            if (!toEveryone) Own.Push(plain);
            Recv.Push(plain); // last: who has awaited it finds it in both
        });
        Connection.Closed += error => { _closed.TrySetResult(error); return Task.CompletedTask; };
        Connection.Reconnecting += _ => { Changes.Push("reconnecting"); return Task.CompletedTask; };
        Connection.Reconnected += _ => { Changes.Push("reconnected"); return Task.CompletedTask; };
    }

    public async Task<Client> Start()
    {
        try
        {
            await Connection.StartAsync().WaitAsync(Patience);
            Id = (await Who()).ConnectionId;
            return this;
        }
        catch { await DisposeAsync(); throw; }
    }

    public static Task<Client> Start(Way way, string hub = "conformance", string? url = null, Func<string?>? token = null,
        Action<HttpConnectionOptions>? options = null, Action<IHubConnectionBuilder>? builder = null) =>
        new Client(way, hub, url, token, options, builder).Start();

    /// <summary>Calls a method that answers; `args` may hold streams to upload.</summary>
    public Task<T> Call<T>(string method, params object?[] args) => Connection.InvokeCoreAsync<T>(method, args).WaitAsync(Patience);
    public Task Call(string method, params object?[] args) => Connection.InvokeCoreAsync(method, args).WaitAsync(Patience);
    public Task<Identity> Who() => Call<Identity>("WhoAmI");

    /// <summary>A server stream to its end.</summary>
    public async Task<T[]> Collect<T>(string method, params object?[] args)
    {
        using var limit = new CancellationTokenSource(Patience);
        var all = new List<T>();
        await foreach (var item in Connection.StreamAsyncCore<T>(method, args, limit.Token)) all.Add(item);
        return [.. all];
    }

    public async ValueTask DisposeAsync()
    {
        try { await Connection.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(3)); }
        catch (Exception) { /* what a test cares for it has awaited */ }
    }

    /// <summary>A send or a question from outside any hub method.</summary>
    public static async Task<JsonElement?> Post(string path, object body)
    {
        using var reply = await Http.PostAsJsonAsync(Base + path, body);
        reply.EnsureSuccessStatusCode();
        var text = await reply.Content.ReadAsStringAsync();
        return text == "" ? null : JsonDocument.Parse(text).RootElement;
    }

    private static int _unique;
    /// <summary>A name that no other test uses.</summary>
    public static string Unique(string stem = "x") => $"{stem}-{Environment.ProcessId}-{DateTime.UtcNow.Ticks:x}-{Interlocked.Increment(ref _unique)}";
}

public static class Token
{
    /// <summary>A signed token for `user`, good for `seconds`.</summary>
    public static string For(string user, string? role = null, int seconds = 600, string key = "conformance-suite-signing-key-0123456789abcdef",
        string issuer = "conformance")
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var claims = new Dictionary<string, object> { ["sub"] = user, ["iss"] = issuer, ["aud"] = "signalr", ["nbf"] = now - 5, ["exp"] = now + seconds };
        if (role is not null) claims["role"] = role;
        var body = Part("""{"alg":"HS256","typ":"JWT"}"""u8) + "." + Part(JsonSerializer.SerializeToUtf8Bytes(claims));
        return body + "." + Part(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(body)));
    }

    private static string Part(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}

public static class Values
{
    /// <summary>An untyped value as both protocols agree on: long, double, string, bool, null, object[], sorted dictionaries.</summary>
    public static object? Plain(object? value) => value switch
    {
        JsonElement e => Json(e),
        byte or sbyte or short or ushort or int or uint or long => Convert.ToInt64(value),
        ulong n => n <= long.MaxValue ? (long)n : n,
        IDictionary<object, object?> map => new SortedDictionary<string, object?>(map.ToDictionary(p => p.Key.ToString()!, p => Plain(p.Value)), StringComparer.Ordinal),
        object?[] list => list.Select(Plain).ToArray(),
        _ => value,
    };

    private static object? Json(JsonElement e) => e.ValueKind switch
    {
        JsonValueKind.String => e.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => e.TryGetInt64(out var n) ? n : e.GetDouble(),
        JsonValueKind.Array => e.EnumerateArray().Select(Json).ToArray(),
        JsonValueKind.Object => new SortedDictionary<string, object?>(e.EnumerateObject().ToDictionary(p => p.Name, p => Json(p.Value)), StringComparer.Ordinal),
        _ => null,
    };
}
