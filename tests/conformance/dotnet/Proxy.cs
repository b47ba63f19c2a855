// SPDX-License-Identifier: MIT
//
// A TCP proxy before the server that can lose connections on purpose.
using System.Net;
using System.Net.Sockets;

namespace Conformance;

public sealed class Proxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly HashSet<Socket> _sockets = [];
    private readonly Uri _target = new(Client.Base);
    private volatile bool _frozen;
    private volatile bool _refusing;
    private volatile TaskCompletionSource? _held;

    public Proxy()
    {
        _listener.Start();
        _ = Accept();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Cuts every open connection, both sides, without goodbye.</summary>
    public void Cut()
    {
        lock (_sockets)
        {
            foreach (var socket in _sockets)
            {
                socket.LingerState = new LingerOption(true, 0); // a reset instead of an orderly end
                socket.Dispose();
            }
            _sockets.Clear();
        }
    }

    /// <summary>Connections stay open, but no byte passes, and what comes is lost.</summary>
    public void Freeze() => _frozen = true;

    /// <summary>New connections are cut at once, until told otherwise.</summary>
    public void Refuse(bool refusing) => _refusing = refusing;

    /// <summary>New connections are taken, but pass nothing until they are let go.</summary>
    public void Hold() => _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public void LetGo()
    {
        var held = _held;
        _held = null;
        held?.SetResult();
    }

    private async Task Accept()
    {
        try
        {
            while (true) _ = Join(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException) { /* closed */ }
    }

    private async Task Join(Socket near)
    {
        var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        lock (_sockets) { _sockets.Add(near); _sockets.Add(far); }
        try
        {
            if (_refusing) return;
            if (_held is { } held) await held.Task;
            near.NoDelay = far.NoDelay = true;
            await far.ConnectAsync(_target.Host, _target.Port);
            await Task.WhenAny(Pump(near, far), Pump(far, near));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { /* one side is gone: both are */ }
        finally
        {
            lock (_sockets) { _sockets.Remove(near); _sockets.Remove(far); }
            near.Dispose();
            far.Dispose();
        }
    }

    private async Task Pump(Socket from, Socket to)
    {
        var buffer = new byte[16384];
        try
        {
            while (await from.ReceiveAsync(buffer) is var n and > 0)
            {
                for (var sent = 0; sent < n && !_frozen;) sent += await to.SendAsync(buffer.AsMemory(sent, n - sent));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { /* its other side is closed by Join */ }
    }

    public void Dispose()
    {
        _listener.Stop();
        Cut();
    }
}
