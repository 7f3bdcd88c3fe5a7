package power

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	login1Name = "org.freedesktop.login1"
	login1Path = "/org/freedesktop/login1"
	login1Face = "org.freedesktop.login1.Manager"

	// firstRetry is the wait before the bus is looked for again; it doubles up to
	// lastRetry.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

var errBusGone = errors.New("connection was closed")

// Watch tells of sleep as login1 does, over the system's message bus or the one
// named by DBUS_SYSTEM_BUS_ADDRESS. Where there is no bus it goes on looking for one.
// It ends with ctx and never closes the channel.
func Watch(ctx context.Context, log *slog.Logger) <-chan Event {
	events := make(chan Event, 16)
	go func() {
		level := slog.LevelInfo // of the first failure; the others are as expected
		for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
			begun := time.Now()
			err := follow(ctx, events)
			if ctx.Err() != nil {
				return
			}
			log.Log(ctx, level, "Sleep of the machine is not told", "err", err)
			level = slog.LevelDebug
			if time.Since(begun) > lastRetry {
				wait = firstRetry // it worked for a while
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// follow passes signals on until the bus or ctx ends.
func follow(ctx context.Context, events chan<- Event) error {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("system bus: %w", err)
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	err = conn.AddMatchSignalContext(ctx,
		dbus.WithMatchSender(login1Name), dbus.WithMatchObjectPath(login1Path),
		dbus.WithMatchInterface(login1Face), dbus.WithMatchMember("PrepareForSleep"))
	if err != nil {
		return fmt.Errorf("system bus: %w", err)
	}
	for {
		select {
		case s, ok := <-signals:
			if !ok {
				return errBusGone
			}
			if ev, ok := eventOf(s); ok {
				select {
				case events <- ev:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// eventOf reads the signal PrepareForSleep(start): true before sleep, false after.
func eventOf(s *dbus.Signal) (Event, bool) {
	if s.Name != login1Face+".PrepareForSleep" || s.Path != login1Path || len(s.Body) != 1 {
		return 0, false
	}
	start, ok := s.Body[0].(bool)
	if start {
		return WillSleep, ok
	}
	return Awake, ok
}
