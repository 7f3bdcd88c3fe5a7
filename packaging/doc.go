// Package packaging holds what brings Parley onto a machine: the script that
// installs what building and testing need, and the tests of it.
package packaging
