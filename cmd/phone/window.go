package main

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"parley/gui"
	"parley/scripting"
)

// appID never changes: settings of the desktop refer to it.
const appID = "org.parleyphone.Parley"

// runWindow runs the phone behind its window until that is closed or ctx ends.
func (p *phone) runWindow(ctx context.Context) error {
	a := app.NewWithID(appID)
	w := gui.New(a, p.app, gui.Options{
		Version: version, Target: p.options.target, Post: fyne.Do,
	})
	if err := p.startApp(ctx); err != nil {
		return err
	}
	err := p.startAPI(scripting.Config{
		Ask: func(ctx context.Context, c scripting.Client) scripting.Decision {
			return ask(ctx, w, c)
		},
		Open: w.Open,
		Quit: w.Quit,
	})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, w.Quit)
	defer stop()
	w.Run()
	return nil
}

// ask puts the permission question to the person and waits for the answer.
func ask(ctx context.Context, w *gui.Window, c scripting.Client) scripting.Decision {
	answer := make(chan bool, 1)
	w.AskPermission(ctx, c.Name, func(allow bool) { answer <- allow })
	select {
	case allow := <-answer:
		if allow {
			return scripting.Allow
		}
		return scripting.Deny
	case <-ctx.Done():
		return scripting.NotNow
	}
}
