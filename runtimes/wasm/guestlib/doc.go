// Package guestlib holds the tests of the module sandpiper, with which programs
// show pictures, tables and charts. It exists in Python, JavaScript and Ruby,
// next to the driver of each language, and does the same in all three: the tests
// run the same program in each language on the real engine and compare with the
// same golden files.
package guestlib
