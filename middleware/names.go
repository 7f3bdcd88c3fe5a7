package middleware

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"parley/sip"
)

// ErrAddress is matched by the error for text that is no SIP address.
var ErrAddress = errors.New("middleware: not a SIP address")

// checkID accepts user@domain.
func checkID(id string) error {
	u, err := sip.ParseURI("sip:" + id)
	if err != nil || u.User == "" || u.Host == "" || u.Port != 0 {
		return fmt.Errorf("%w: %q; it looks like alice@example.org", ErrAddress, sip.CleanText(id, 120))
	}
	return nil
}

func userOf(id string) string {
	user, _, _ := strings.Cut(id, "@")
	return user
}

func domainOf(id string) string {
	_, domain, _ := strings.Cut(id, "@")
	return domain
}

// parseProxy reads an outbound proxy: a SIP URI, a host, or host:port.
func parseProxy(text string) (sip.URI, error) {
	if !strings.HasPrefix(text, "sip:") && !strings.HasPrefix(text, "sips:") {
		text = "sip:" + text
	}
	return sip.ParseURI(text)
}

// randomLetters returns n lower-case letters that nobody can guess.
func randomLetters(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return string(b)
}

// chance returns a number in [0, 1): the configured one, or one that nobody can
// guess.
func (app *SIPApplication) chance() float64 {
	if app.config.Chance != nil {
		return app.config.Chance()
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return float64(binary.LittleEndian.Uint32(b[:])) / (1 << 32)
}
