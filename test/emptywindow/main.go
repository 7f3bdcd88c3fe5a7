// Command emptywindow shows a window of Fyne's with nothing in it: the yardstick
// for the time to start, the memory and the idling of Parley's window.
package main

import (
	"fmt"
	"os"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
)

// main shows a window of the given width and height in pixels.
func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: emptywindow WIDTH HEIGHT")
		os.Exit(2)
	}
	w := app.NewWithID("org.parleyphone.emptywindow").NewWindow("Empty")
	w.Resize(fyne.NewSize(pixels(os.Args[1]), pixels(os.Args[2])))
	w.ShowAndRun()
}

func pixels(text string) float32 {
	n, err := strconv.ParseFloat(text, 32)
	if err != nil {
		fmt.Fprintln(os.Stderr, "emptywindow:", err)
		os.Exit(2)
	}
	return float32(n)
}
