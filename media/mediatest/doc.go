// Package mediatest holds what tests of sound need: a network and sound devices
// that live in memory and in a testing/synctest bubble's time, signals, and a
// way to compare what was said with what was heard.
package mediatest
