// Package dsp holds the small signal processors that the media engine is put
// together from: a sample rate converter, a level meter and a gain that moves
// without clicks.
//
// Samples are mono float32, full scale is 1. Nothing here allocates in steady
// state, locks, or reads a clock. A processor belongs to one goroutine; methods
// that others may call too say so.
package dsp
