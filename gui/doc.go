// Package gui is Parley's window.
//
// The window is a client of the middleware like any other: it follows the bus,
// reads snapshots and gives commands. Panels show view-models (package
// viewmodel) and decide nothing. All of it runs on the toolkit's thread; package
// bridge is the only way in and out.
//
// Nothing ticks while no call is up.
package gui
