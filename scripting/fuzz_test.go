package scripting

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/middleware/middlewaretest"
	"parley/scripting/protocol"
)

// Whatever a program says, it gets one line for it, and Parley lives on.
func FuzzExecute(f *testing.F) {
	alice := middlewaretest.NewPhone(f, middlewaretest.NewNet(), "192.0.2.1")
	s := New(Config{Log: slog.New(slog.DiscardHandler), App: alice.App})
	s.follow()
	f.Cleanup(s.Close)
	ours, theirs := net.Pipe()
	f.Cleanup(func() { ours.Close(); theirs.Close() })
	c := newConn(s, theirs, Client{})
	c.gone = c.ctx
	c.attached.Store(true) // it is sent nothing: nobody reads
	for _, seed := range []string{
		"NAME x", "PROTOCOL 8", "PING", "STATS", "MUTE ON", "GET MUTE", "SET USERSTATUS AWAY", "GET CONNSTATUS",
		"CALL sip:bob@nowhere.invalid", "CALL a, b", "CALL bob FROM ann@x", "GET CALL 1 STATUS", "SET CALL 1 SEEN",
		"ALTER CALL 1 END HANGUP", "ALTER CALL 9223372036854775807 DTMF 1", "SEARCH CALLS bob", "SEARCH MISSEDCALLS",
		"SEARCH ACCOUNTS", "GET ACCOUNT a@b codecs", "SET ACCOUNT a@b PASSWORD  x", `CREATE ACCOUNT a@b.example enabled=no password="a ""b"`,
		"SEARCH NEIGHBOURS", "GET NEIGHBOUR a%20b%2C TITLE", "GET NEIGHBOR %zz KEY", "ALTER NEIGHBOUR %ff FORGET", "CALL bonjour:a%20b%00",
		"CALL Meyer, Anna (laptop)", "CALL anna FROM bonjour@local", "GET ACCOUNT bonjour@local STATE", "SET ACCOUNT BONJOUR@LOCAL note \u202ex",
		"SET SETTING general.user_name \u202eeve", "GET SETTING audio.input", "CLEAR CALLHISTORY ALL", "OPEN x", "SHUTDOWN",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		cmd, err := protocol.Parse([]byte(line))
		if err == nil && len(alice.App.AccountManager().GetAccounts()) > 3 && strings.Contains(strings.ToUpper(line), "CREATE") {
			t.Skip("enough accounts")
		}
		text := ""
		if err == nil {
			text, err = s.execute(c, cmd)
		}
		if err != nil {
			text = err.Error()
		}
		reply := protocol.Reply(cmd.ID, text)
		if strings.Count(reply, "\n") != 1 || len(reply) > 2*protocol.MaxLine || !utf8.ValidString(reply) || strings.TrimSpace(reply) == "" {
			t.Errorf("reply to %q = %q, want one line", line, reply)
		}
	})
}
