//go:build race

package device

// impureAllowed is large under the race detector: beside other packages it leaves
// the sound server too little of the machine for clean sound.
const impureAllowed = 50
