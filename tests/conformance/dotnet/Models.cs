// SPDX-License-Identifier: MIT
//
// Types of the contract as an application declares them: one set for both protocols.
using MessagePack;

namespace Conformance;

[MessagePackObject]
public sealed class Node
{
    [Key("name")] public string? Name { get; set; }
    [Key("count")] public int Count { get; set; }
    [Key("tags")] public string[] Tags { get; set; } = [];
    [Key("child")] public Node? Child { get; set; }
    [Key("map")] public Dictionary<string, int> Map { get; set; } = [];
}

[MessagePackObject]
public sealed class NodeInfo
{
    [Key("name")] public string? Name { get; set; }
    [Key("depth")] public int Depth { get; set; }
    [Key("tagCount")] public int TagCount { get; set; }
    [Key("mapSum")] public int MapSum { get; set; }
}

[MessagePackObject]
public sealed class Identity
{
    [Key("connectionId")] public string ConnectionId { get; set; } = "";
    [Key("userIdentifier")] public string? UserIdentifier { get; set; }
    [Key("itemsCount")] public int ItemsCount { get; set; }
    [Key("serverName")] public string ServerName { get; set; } = "";
    [Key("transport")] public string Transport { get; set; } = "";
    [Key("authenticated")] public bool Authenticated { get; set; }
}

[MessagePackObject]
public sealed class Edges
{
    [Key("nothing")] public string? Nothing { get; set; }
    [Key("empty")] public string? Empty { get; set; }
    [Key("unicode")] public string? Unicode { get; set; }
    [Key("int64Max")] public long Int64Max { get; set; }
    [Key("int64Min")] public long Int64Min { get; set; }
    [Key("int32Max")] public int Int32Max { get; set; }
    [Key("doubleMax")] public double DoubleMax { get; set; }
    [Key("doubleTiny")] public double DoubleTiny { get; set; }
    [Key("half")] public double Half { get; set; }
    [Key("yes")] public bool Yes { get; set; }
    [Key("no")] public bool No { get; set; }
    [Key("emptyList")] public int[]? EmptyList { get; set; }
    [Key("emptyMap")] public Dictionary<string, int>? EmptyMap { get; set; }
}

[MessagePackObject]
public sealed class Pair
{
    [Key("a")] public int A { get; set; }
    [Key("b")] public int B { get; set; }
}

[MessagePackObject]
public sealed class LifeEvent
{
    [Key("kind")] public string Kind { get; set; } = "";
    [Key("connectionId")] public string ConnectionId { get; set; } = "";
    [Key("error")] public string? Error { get; set; }
}

public enum Colour { Red, Green, Blue }

[MessagePackObject]
public sealed record Point([property: Key("x")] int X, [property: Key("label")] string? Label);
