//go:build !race

package device

// impureAllowed is how many windows of a hundred may hold more than the tone.
const impureAllowed = 5
