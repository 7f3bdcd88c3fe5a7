package sip

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// ErrBadCredentials is matched by the error of [Authorizer.Challenge] when a
// server turned down an answer that it could check: the name or the password
// is wrong, and sending the same again would not help.
var ErrBadCredentials = errors.New("sip: the server refused the credentials")

// ErrUnsupportedAuth is matched by the error of [Authorizer.Challenge] when no
// challenge is one that can be answered: Basic and unknown schemes, unknown
// algorithms or qualities of protection, or only realms that are not ours.
var ErrUnsupportedAuth = errors.New("sip: no challenge that can be answered")

// Credentials are what an account signs in with. They print without the
// password.
type Credentials struct {
	Username string
	Password string
	Realm    string // the only realm to sign in to; "" is any
}

// LogValue hides the password.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("username", c.Username), slog.String("realm", c.Realm))
}

// String hides the password.
func (c Credentials) String() string { return fmt.Sprintf("%s@%s", c.Username, cmp.Or(c.Realm, "*")) }

// GoString hides the password.
func (c Credentials) GoString() string {
	return fmt.Sprintf("sip.Credentials{Username: %q, Realm: %q}", c.Username, c.Realm)
}

// An Authorizer answers digest challenges (RFC 3261 section 22, RFC 7616, RFC
// 8760). SHA-256 and SHA-512-256 are preferred to MD5, the quality "auth" to
// "auth-int"; the "-sess" variants are known, Basic never is.
//
// A nonce is kept and used again with a rising count, so most requests need no
// second round. Several proxies and the server may each ask for their own
// realm; all of them are answered at once.
//
// An Authorizer is safe for concurrent use, but it takes every challenge for
// the reply to what it was last asked to authorize. Requests that may overlap
// therefore use one [Authorizer.Request] each.
type Authorizer struct {
	store *digestStore

	mu   sync.Mutex
	sent map[digestRealm]digestSent // what Authorize gave out last
}

// digestRealm says who asks: a proxy or the server, and for which realm.
type digestRealm struct {
	proxy bool
	realm string
}

// digestSent is an answer that was given out.
type digestSent struct {
	nonce string
	count uint32
}

// digestStore holds the nonces that the requests of an account share.
type digestStore struct {
	credentials Credentials
	cnonce      io.Reader

	mu     sync.Mutex
	nonces map[digestRealm]*digestNonce
}

// digestNonce is a challenge that is being answered.
type digestNonce struct {
	digestChallenge
	cnonce string // one for the life of the nonce, as "-sess" demands
	count  uint32 // answers given so far
}

// maxDigestRealms is how many realms are answered in one request.
const maxDigestRealms = 16

// NewAuthorizer returns an Authorizer that signs in with c. cnonce is the
// source of client nonces, nil for the system's.
func NewAuthorizer(c Credentials, cnonce io.Reader) *Authorizer {
	if cnonce == nil {
		cnonce = rand.Reader
	}
	store := &digestStore{credentials: c, cnonce: cnonce, nonces: map[digestRealm]*digestNonce{}}
	return &Authorizer{store: store, sent: map[digestRealm]digestSent{}}
}

// Request returns an Authorizer for one request and its repetitions. It shares
// nonces with a, so that a second round is mostly saved, but judges by its own
// request alone whether the password was refused.
func (a *Authorizer) Request() *Authorizer {
	return &Authorizer{store: a.store, sent: map[digestRealm]digestSent{}}
}

// Challenge learns from a 401 (proxy false) or 407 response. headers are the
// values of all its WWW-Authenticate or Proxy-Authenticate lines, in order.
// After nil the request is to be sent again with what [Authorizer.Authorize]
// then gives.
//
// The error matches [ErrBadCredentials] if an answer to the same realm was
// refused: it had been given to a fresh nonce, or the same nonce is asked for
// again, and the server does not call it stale. It matches
// [ErrUnsupportedAuth] if there is nothing that can be answered.
func (a *Authorizer) Challenge(proxy bool, headers []string) error {
	best := map[string]digestChallenge{}
	for _, line := range headers {
		for _, c := range digestParse(line) {
			if !c.usable() || a.store.credentials.Realm != "" && a.store.credentials.Realm != c.realm {
				continue
			}
			if old, ok := best[c.realm]; (!ok && len(best) < maxDigestRealms) || ok && c.algorithm.rank > old.algorithm.rank {
				best[c.realm] = c
			}
		}
	}
	if len(best) == 0 {
		return ErrUnsupportedAuth
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for realm, c := range best {
		key := digestRealm{proxy, realm}
		if a.refused(key, c) {
			delete(a.sent, key)
			a.store.forget(key)
			return fmt.Errorf("%w (realm %q)", ErrBadCredentials, CleanText(realm, 80))
		}
	}
	for realm, c := range best {
		if err := a.store.learn(digestRealm{proxy, realm}, c); err != nil {
			return err
		}
	}
	return nil
}

// refused reports whether c, arriving now, means that the credentials are
// wrong. A nonce that had been good before may simply have been forgotten by a
// server that does not say stale; one that was fresh cannot.
func (a *Authorizer) refused(key digestRealm, c digestChallenge) bool {
	sent, ok := a.sent[key]
	switch {
	case !ok:
		return false
	case c.nonce == sent.nonce:
		return true
	case c.stale:
		return false
	}
	return sent.count == 1
}

// Authorize returns the Authorization and Proxy-Authorization headers for a
// request: method and uri are those of its first line, uri with all its
// parameters, and body is what "auth-int" protects. It is empty until a
// challenge was learned. Every call uses up one count of each nonce, so it is
// called once for each transaction, not for a retransmission.
func (a *Authorizer) Authorize(method, uri string, body []byte) []Header {
	a.mu.Lock()
	defer a.mu.Unlock()
	headers, sent := a.store.authorize(method, uri, body)
	maps.Copy(a.sent, sent)
	return headers
}

func (s *digestStore) forget(key digestRealm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.nonces, key)
}

// learn starts to answer c, unless its nonce is in use already.
func (s *digestStore) learn(key digestRealm, c digestChallenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.nonces[key]; old != nil && old.nonce == c.nonce && old.algorithm == c.algorithm {
		return nil
	}
	if s.nonces[key] == nil && len(s.nonces) >= 2*maxDigestRealms {
		clear(s.nonces)
	}
	var b [16]byte
	if _, err := io.ReadFull(s.cnonce, b[:]); err != nil {
		return fmt.Errorf("sip: client nonce: %w", err)
	}
	s.nonces[key] = &digestNonce{digestChallenge: c, cnonce: hex.EncodeToString(b[:])}
	return nil
}

func (s *digestStore) authorize(method, uri string, body []byte) ([]Header, map[digestRealm]digestSent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(s.nonces), func(a, b digestRealm) int {
		if a.proxy != b.proxy {
			if a.proxy {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.realm, b.realm)
	})
	var headers []Header
	sent := map[digestRealm]digestSent{}
	for _, key := range keys {
		n := s.nonces[key]
		n.count++
		name := "Authorization"
		if key.proxy {
			name = "Proxy-Authorization"
		}
		h := Header{name, n.answer(s.credentials, method, uri, body)}
		if CheckHeader(h.Name, h.Value) != nil {
			continue
		}
		headers = append(headers, h)
		sent[key] = digestSent{n.nonce, n.count}
	}
	return headers, sent
}
