// SPDX-License-Identifier: MIT
//
// Runs every behaviour over the ways it is for, against the server at BASE_URL, and prints what ../lib/reporter.mjs prints. Words on
// the command line choose: only tests whose name holds one of them. ../run.mjs builds and starts this.
using System.Diagnostics;
using System.Reflection;
using Conformance;

const int PatienceMs = 2500; // how long a listed test may take to fail; still running then counts as failed
const int LimitMs = 30000;   // how long any other test may take: a sanitizer build on a busy machine
const int AtOnce = 32;

var notYet = NotYet.Load();
var tests = (
    from type in Assembly.GetExecutingAssembly().GetTypes()
    let area = type.GetCustomAttribute<AreaAttribute>()
    where area is not null
    from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public)
    let behaviour = method.GetCustomAttribute<BehaviourAttribute>()
    where behaviour is not null
    from way in Way.For(behaviour.Over, notYet)
    select new Test(area.Name, behaviour.Name, way, method.CreateDelegate<Func<Way, Task>>(), behaviour.Over == Over.Once)).ToArray();
if (args.Length > 0) tests = [.. tests.Where(t => args.Any(t.Name.Contains))];

int passed = 0, failed = 0, later = 0;
var quiet = Environment.GetEnvironmentVariable("QUIET") is { Length: > 0 };
var gate = new SemaphoreSlim(AtOnce);
await Task.WhenAll(tests.Select(async test =>
{
    await gate.WaitAsync();
    try { await Run(test); }
    finally { gate.Release(); }
}));
notYet.WriteSeen();
Console.WriteLine($"{passed} passed, {failed} failed{(later > 0 ? $", {later} not yet" : "")}");
// Connections of a test that hung are left behind; nothing waits for them.
Environment.Exit(failed > 0 || passed == 0 ? 1 : 0);

async Task Run(Test test)
{
    var reason = notYet.ReasonOf(test);
    var clock = Stopwatch.StartNew();
    var error = await Outcome(test, reason is null ? LimitMs : PatienceMs);
    var time = $"({clock.ElapsedMilliseconds} ms)";
    if (reason is not null && error is null)
        error = new Failure($"it passes: take it out of not-yet.json (\"{reason}\")");
    else if (reason is not null)
    {
        Interlocked.Increment(ref later);
        if (!quiet) Console.WriteLine($"pass {test.Name} (not yet) {time}");
        return;
    }
    if (error is null)
    {
        Interlocked.Increment(ref passed);
        if (!quiet) Console.WriteLine($"pass {test.Name} {time}");
        return;
    }
    Interlocked.Increment(ref failed);
    var lines = error is Failure ? error.Message : error.ToString();
    Console.WriteLine($"FAIL {test.Name} {time}\n     {string.Join("\n     ", lines.Split('\n').Take(14))}");
}

static async Task<Exception?> Outcome(Test test, int limitMs)
{
    try
    {
        await Task.Run(() => test.Body(test.Way)).WaitAsync(TimeSpan.FromMilliseconds(limitMs));
        return null;
    }
    catch (Exception error) { return error; }
}
