// Package ruby runs Ruby programs: CRuby as a WASI reactor, with its standard
// library inside the module.
//
// The module was made for hosts that are JavaScript engines, so it has no _start:
// an instance is initialised, told its arguments, and then asked to evaluate
// Ruby text. Once, that text loads sandpiper_run.rb from the library folder, and an
// image is taken. Every run goes on from the image, with its own environment and
// random numbers, and has the script run the main file the way the ruby command
// would. The seed of String#hash cannot change once there are hashes, so it is that
// of the image: each installation has its own. Ruby itself never ends in
// such an instance, so at_exit blocks are called by that script; END blocks,
// which it cannot see, are not.
package ruby
