// Package archtest holds the rules of docs/ARCHITECTURE.md and CONTRIBUTING.md
// as tests over the source of the whole module: what may import what, how large
// files and functions may be, and which calls belong in one place only.
//
// The tests read syntax trees, for every operating system and build tag, so they
// see the files that this machine does not compile. Where a rule has exceptions
// they stand in a table beside it, each with its reason; an exception that is no
// longer needed fails the test.
package archtest
