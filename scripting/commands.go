package scripting

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"time"

	"parley/middleware"
	"parley/scripting/protocol"
)

// protocolVersion is the newest version of the protocol that is spoken.
const protocolVersion = 8

// A handler carries out a command, whose keywords were read. Its text is the
// reply; errors that are no *protocol.Error become an internal error.
type handler struct {
	run  func(ctx context.Context, c *conn, cmd *protocol.Command) (string, error)
	open bool // allowed before the program was let in
}

// table lists the commands by their one or two keywords.
func (s *Server) table() map[string]handler {
	t := map[string]handler{
		"NAME":     {run: func(_ context.Context, c *conn, cmd *protocol.Command) (string, error) { return s.name(c, cmd) }, open: true},
		"PROTOCOL": {run: speak, open: true},
		"PING":     {run: ping, open: true},
		"OPEN":     {run: s.openTarget, open: true},

		"CALL":     {run: s.dial},
		"MUTE":     {run: s.mute},
		"STATS":    {run: s.stats},
		"SHUTDOWN": {run: s.shutdown},
		"PICKUP":   {run: s.pickUp},
		"UNPARK":   {run: s.unpark},

		"TEST DIAL": {run: s.testDial},

		"GET CONFERENCE":   {run: s.getConference},
		"ALTER CONFERENCE": {run: s.alterConference},

		"GET CALL":           {run: s.getCall},
		"SET CALL":           {run: s.setCall},
		"ALTER CALL":         {run: s.alterCall},
		"SEARCH CALLS":       {run: s.searchCalls},
		"SEARCH ACTIVECALLS": {run: s.searchActiveCalls},
		"SEARCH MISSEDCALLS": {run: s.searchMissedCalls},
		"CLEAR CALLHISTORY":  {run: s.clearCalls},

		"SEARCH ACCOUNTS":    {run: s.searchAccounts},
		"GET ACCOUNT":        {run: s.getAccount},
		"SET ACCOUNT":        {run: s.setAccount},
		"ALTER ACCOUNT":      {run: s.alterAccount},
		"CREATE ACCOUNT":     {run: s.createAccount},
		"DELETE ACCOUNT":     {run: s.deleteAccount},
		"SET DEFAULTACCOUNT": {run: s.setDefaultAccount},

		"SEARCH SETTINGS": {run: s.searchSettings},
		"GET SETTING":     {run: s.getSetting},
		"SET SETTING":     {run: s.setSetting},
	}
	maps.Copy(t, s.contactTable())
	maps.Copy(t, s.neighbourTable())
	for name, v := range s.variables() {
		t["GET "+name] = s.getter(name, v)
		if v.set != nil {
			t["SET "+name] = s.setter(name, v)
		}
	}
	return t
}

// objectErrors holds, for each verb that needs an object, the errors for none
// and for an unknown one.
var objectErrors = map[string][2]protocol.Number{
	"GET":    {protocol.UnknownGet, protocol.UnknownGet},
	"SET":    {protocol.UnknownSet, protocol.UnknownSet},
	"SEARCH": {protocol.UnknownSearch, protocol.UnknownSearch},
	"ALTER":  {protocol.AlterWithout, protocol.BadAlter},
	"IMPORT": {protocol.UnknownCommand, protocol.UnknownCommand},
	"EXPORT": {protocol.UnknownCommand, protocol.UnknownCommand},
	"CREATE": {protocol.CreateWithout, protocol.BadCreate},
	"DELETE": {protocol.DeleteWithout, protocol.BadDelete},
	"CLEAR":  {protocol.ClearWithout, protocol.BadClear},
	"TEST":   {protocol.SyntaxError, protocol.UnknownCommand},
}

// execute carries out one command and returns its reply.
func (s *Server) execute(c *conn, cmd *protocol.Command) (string, error) {
	name := cmd.Keyword()
	h, known := s.commands[name]
	if !h.open {
		if err := s.admitted(c.ctx, c); err != nil {
			return "", err
		}
	}
	if numbers, ok := objectErrors[name]; ok {
		object := cmd.Keyword()
		if object == "" {
			return "", protocol.Errorf(numbers[0], "")
		}
		if h, known = s.commands[name+" "+object]; !known {
			return "", protocol.Errorf(numbers[1], "")
		}
	}
	if !known {
		return "", protocol.Errorf(protocol.UnknownCommand, "")
	}
	return h.run(c.ctx, c, cmd)
}

// speak sets the version of the protocol: PROTOCOL <n>. The reply holds the one
// that is spoken.
func speak(_ context.Context, c *conn, cmd *protocol.Command) (string, error) {
	if rest := cmd.Rest(); rest != "" {
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 {
			return "", protocol.Errorf(protocol.BadVersion, "")
		}
		c.protocol.Store(int32(min(n, protocolVersion)))
	}
	return "PROTOCOL " + strconv.Itoa(int(c.protocol.Load())), nil
}

func ping(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	return "PONG", cmd.Done()
}

// maxTarget bounds what OPEN fills into the number field, in bytes.
const maxTarget = 1024

// openTarget raises the window: OPEN [<target>]. It never dials.
func (s *Server) openTarget(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	target := cmd.Rest()
	switch {
	case s.config.Open == nil:
		return "", protocol.Errorf(protocol.BadOpen, "there is no window")
	case len(target) > maxTarget:
		return "", protocol.Errorf(protocol.BadOpen, "the address is too long")
	}
	s.config.Open(target)
	return join("OPEN", target), nil
}

// shutdown ends Parley, once the reply is on its way.
func (s *Server) shutdown(_ context.Context, c *conn, cmd *protocol.Command) (string, error) {
	if err := cmd.Done(); err != nil {
		return "", err
	}
	if s.config.Quit == nil {
		return "", protocol.Errorf(protocol.AccessDenied, "Parley cannot be ended from here")
	}
	c.after = s.config.Quit
	return "SHUTDOWN", nil
}

// stats tells how the program does.
func (s *Server) stats(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return join("STATS",
		"UPTIME", number(int(time.Since(s.begun)/time.Second)),
		"CALLS", number(len(s.hub.live())), "CLIENTS", number(s.clients()),
		"GOROUTINES", number(runtime.NumGoroutine()), "MEMORY", strconv.FormatUint(m.HeapInuse+m.StackInuse, 10),
	), cmd.Done()
}

// plain returns the text of an error without the names of packages in front.
func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{"middleware: ", "storage: ", "session: ", "sip: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// refuse makes an error of the protocol of err, unless it is one or the
// connection has ended.
func refuse(n protocol.Number, err error) error {
	var e *protocol.Error
	if err == nil || errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return err
	}
	var wrong *middleware.ConferenceError
	if errors.As(err, &wrong) {
		err = wrong.Err // the command says the rest
	}
	return protocol.Errorf(n, "%s", plain(err))
}
