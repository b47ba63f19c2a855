// SPDX-License-Identifier: MIT
// The reference: ASP.NET Core SignalR serving the same hub as hubs/bench.lua,
// with logging off and nothing tuned.
// usage: bench PORT [REDIS_HOST:PORT]
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.SignalR;

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls($"http://127.0.0.1:{args[0]}");
var signalr = builder.Services.AddSignalR().AddMessagePackProtocol();
if (args.Length > 1)
    signalr.AddStackExchangeRedis(args[1]);
var app = builder.Build();
app.MapHub<BenchHub>("/bench");
app.Run();

public sealed class BenchHub : Hub
{
    public string Echo(string text) => text;

    public Task SendAll(string text) => Clients.All.SendAsync("recv", text);

    public Task JoinGroup(string group) =>
        Groups.AddToGroupAsync(Context.ConnectionId, group);

    public Task SendGroup(string group, string text) =>
        Clients.Group(group).SendAsync("recv", text);

    public async IAsyncEnumerable<int> Counter(
        int count, int delayMs, [EnumeratorCancellation] CancellationToken stop)
    {
        for (var i = 0; i < count; i++)
        {
            stop.ThrowIfCancellationRequested();
            yield return i;
            if (delayMs > 0)
                await Task.Delay(delayMs, stop);
        }
    }
}
