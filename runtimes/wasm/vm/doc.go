// Package vm executes one WebAssembly guest at a time on wazero, with limits
// that hold whatever the guest does. It knows no language: drivers load a
// module into a Host and then call Module.Run for each run.
//
// # How a guest is stopped
//
// Go cannot preempt machine code that wazero made, so every module is rewritten
// when it is loaded: each loop header counts down a fuel counter, and at zero the
// guest calls the host. That call, the tick, is where a run notices its deadline,
// its CPU limit and its cancellation, and where it lets others have the CPU.
// Everything else that may wait (sleeping, reading standard input, a driver's
// own host functions) goes through Run.Block, which ends as soon as the run is
// stopped. Stopping is always the same: the cause is recorded in the run's
// context, and a panic that wazero understands unwinds the guest.
//
// # Who gets the CPU
//
// Guests share as many tokens as there are CPUs for them. A run holds one while
// guest code executes; at a tick, once its slice is over, it hands the token to a
// waiting run that has had less. So a program that never ends delays a short
// one by about a slice. Where threads have priorities, that of a long run is
// lowered, so that the kernel prefers short runs and the server itself.
package vm
