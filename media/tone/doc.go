// Package tone makes the sounds of a telephone: ring-back, busy, call waiting,
// hold, DTMF and a ring of our own.
//
// Everything advances by the samples it yields and by nothing else. Every tone
// begins and ends with a ramp, so that nothing clicks.
package tone
