// Package wav reads and writes WAV files.
//
// The reader takes what is found in the wild: chunks in any order, odd sizes,
// extensible headers, lengths that lie. The writer keeps its header true while
// it writes, so that a recording can be played after the program was killed.
package wav
