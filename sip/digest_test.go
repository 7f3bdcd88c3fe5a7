package sip

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var mufasa = Credentials{Username: "Mufasa", Password: "Circle of Life"}

// The first three are the examples of RFC 7616 section 3.9.1, RFC 2617 section
// 3.5 and RFC 2069 section 2.4 (with its erratum); the others were computed
// apart from this program.
func TestDigestResponse(t *testing.T) {
	const (
		nonce7616  = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
		cnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
		nonce2617  = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
		dir        = "/dir/index.html"
	)
	tests := []struct {
		algorithm, user, password, realm, nonce, cnonce, count, qop, method, uri, body string
		want                                                                           string
	}{
		{"MD5", "Mufasa", "Circle of Life", "http-auth@example.org", nonce7616, cnonce7616, "00000001", "auth", "GET", dir, "", "8ca523f5e9506fed4657c9700eebdbec"},
		{"SHA-256", "Mufasa", "Circle of Life", "http-auth@example.org", nonce7616, cnonce7616, "00000001", "auth", "GET", dir, "", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		{"", "Mufasa", "Circle Of Life", "testrealm@host.com", nonce2617, "0a4f113b", "00000001", "auth", "GET", dir, "", "6629fae49393a05397450978507c4ef1"},
		{"MD5", "Mufasa", "CircleOfLife", "testrealm@host.com", nonce2617, "", "", "", "GET", dir, "", "1949323746fe6a43ef61f9606e7febea"},
		{"sha-512-256", "Mufasa", "Circle of Life", "http-auth@example.org", "n1", "c1", "00000001", "auth", "REGISTER", "sip:example.org", "", "5876ef5eb112cf14a350328ff60d626bb0240b1f6dfccbff69192191dce77b8b"},
		{"MD5-sess", "Mufasa", "Circle of Life", "http-auth@example.org", "n1", "c1", "00000001", "auth", "REGISTER", "sip:example.org", "", "31dae7740e5dde873e62f88c7b30dfe9"},
		{"SHA-256-sess", "Mufasa", "Circle of Life", "http-auth@example.org", "n1", "c1", "0000000a", "auth-int", "INVITE", "sip:a@b;x=1", "v=0\r\n", "045b80117872f218b5a5985a8fd32f8dd49319325deb085525786959dd40b966"},
	}
	for _, tt := range tests {
		c := Credentials{Username: tt.user, Password: tt.password}
		got := digestAlgorithmOf(tt.algorithm).response(c, tt.realm, tt.nonce, tt.cnonce, tt.count, tt.qop, tt.method, tt.uri, []byte(tt.body))
		if got != tt.want {
			t.Errorf("response(%s %s %s) = %s, want %s", tt.algorithm, tt.qop, tt.realm, got, tt.want)
		}
	}
}

// zeros makes every client nonce a known one.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestAuthorizerChoosesChallenge(t *testing.T) {
	tests := []struct {
		name    string
		lines   []string
		want    []string // what each Authorization header must contain
		wantErr error
	}{
		{"sha beats md5", []string{`Digest realm="r", nonce="m", algorithm=MD5, qop="auth"`, `Digest realm="r", nonce="s", algorithm=SHA-256, qop="auth"`}, []string{`nonce="s"`}, nil},
		{"first of equals", []string{`Digest realm="r", nonce="1", algorithm=SHA-512-256, qop="auth"`, `Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth"`}, []string{`nonce="1"`}, nil},
		{"unknown algorithm first", []string{`Digest realm="r", nonce="a", algorithm=AKAv1-MD5, qop="auth"`, `Digest realm="r",nonce="m",algorithm=MD5`}, []string{`nonce="m"`}, nil},
		{"one line for all", []string{`Basic realm="b", Digest realm="r", nonce="m,n", qop="auth-int,auth", NTLM abc==, Digest realm="q", nonce="x"`}, []string{`realm="q"`, `nonce="m,n"`}, nil},
		{"auth before auth-int", []string{`Digest realm="r", nonce="m", qop="auth-int, auth"`}, []string{"qop=auth, nc=00000001"}, nil},
		{"auth-int alone", []string{`Digest realm="r", nonce="m", qop=auth-int`}, []string{"qop=auth-int"}, nil},
		{"case and blanks", []string{`DIGEST REALM = "r" , NONCE="m",  Algorithm=md5-SESS, qop=AUTH , stale = FALSE`}, []string{"algorithm=md5-SESS"}, nil},
		{"quotes in the realm", []string{`Digest realm="a \"b\" \\c", nonce="n\"1", opaque=""`}, []string{`realm="a \"b\" \\c", nonce="n\"1"`}, nil},
		{"basic only", []string{`Basic realm="r"`}, nil, ErrUnsupportedAuth},
		{"unknown quality", []string{`Digest realm="r", nonce="m", qop="auth-conf"`}, nil, ErrUnsupportedAuth},
		{"sess without quality", []string{`Digest realm="r", nonce="m", algorithm=MD5-sess`}, nil, ErrUnsupportedAuth},
		{"no nonce", []string{`Digest realm="r"`}, nil, ErrUnsupportedAuth},
		{"garbage", []string{"", ",,,", `"`, `=x`, `Digest realm="r, nonce=x`, strings.Repeat("Digest ", 5000)}, nil, ErrUnsupportedAuth},
	}
	for _, tt := range tests {
		a := NewAuthorizer(mufasa, zeros{})
		err := a.Challenge(false, tt.lines)
		if !errors.Is(err, tt.wantErr) {
			t.Errorf("%s: Challenge = %v, want %v", tt.name, err, tt.wantErr)
		}
		got := a.Authorize("REGISTER", "sip:example.org", nil)
		if len(got) != len(tt.want) {
			t.Errorf("%s: Authorize gave %d headers, want %d: %v", tt.name, len(got), len(tt.want), got)
			continue
		}
		for i, want := range tt.want {
			if got[i].Name != "Authorization" || !strings.Contains(got[i].Value, want) {
				t.Errorf("%s: Authorize = %v, want it to contain %q", tt.name, got[i], want)
			}
		}
	}
}

func TestAuthorizerHeader(t *testing.T) {
	a := NewAuthorizer(mufasa, zeros{})
	if got := a.Authorize("INVITE", "sip:a@b", nil); len(got) != 0 {
		t.Errorf("Authorize before any challenge = %v, want none", got)
	}
	challenge(t, a, false, `Digest realm="http-auth@example.org", nonce="n1", opaque="o", algorithm=MD5, qop="auth"`)
	challenge(t, a, true, `Digest realm="proxy", nonce="p"`)
	uri := "sip:a@b;transport=tcp"
	md5 := digestAlgorithmOf("MD5")
	cnonce := strings.Repeat("0", 32)
	for _, count := range []string{"00000001", "00000002"} {
		want := []Header{
			{"Authorization", fmt.Sprintf(`Digest username="Mufasa", realm="http-auth@example.org", nonce="n1", uri=%q, response=%q, algorithm=MD5, opaque="o", qop=auth, nc=%s, cnonce=%q`,
				uri, md5.response(mufasa, "http-auth@example.org", "n1", cnonce, count, "auth", "INVITE", uri, nil), count, cnonce)},
			{"Proxy-Authorization", fmt.Sprintf(`Digest username="Mufasa", realm="proxy", nonce="p", uri=%q, response=%q`,
				uri, md5.response(mufasa, "proxy", "p", "", "", "", "INVITE", uri, nil))},
		}
		if diff := cmp.Diff(want, a.Authorize("INVITE", uri, nil)); diff != "" {
			t.Errorf("Authorize, count %s (-want +got):\n%s", count, diff)
		}
	}
}

func TestAuthorizerRefused(t *testing.T) {
	digest := func(nonce, more string) string { return `Digest realm="r", qop="auth", nonce="` + nonce + `"` + more }
	type step struct {
		line string
		want error
	}
	tests := []struct {
		name  string
		steps []step // the request is sent again after each nil
	}{
		{"same nonce", []step{{digest("1", ""), nil}, {digest("1", ""), ErrBadCredentials}}},
		{"fresh nonce refused", []step{{digest("1", ""), nil}, {digest("2", ""), ErrBadCredentials}}},
		{"stale", []step{{digest("1", ""), nil}, {digest("2", ", stale=true"), nil}, {digest("3", ""), ErrBadCredentials}}},
		{"stale but the same", []step{{digest("1", ""), nil}, {digest("1", ", stale=true"), ErrBadCredentials}}},
		{"another realm", []step{{digest("1", ""), nil}, {`Digest realm="q", nonce="1"`, nil}, {`Digest realm="q", nonce="2"`, ErrBadCredentials}}},
	}
	for _, tt := range tests {
		a := NewAuthorizer(mufasa, nil).Request()
		for i, s := range tt.steps {
			if err := a.Challenge(false, []string{s.line}); !errors.Is(err, s.want) {
				t.Errorf("%s: challenge %d = %v, want %v", tt.name, i, err, s.want)
			}
			a.Authorize("REGISTER", "sip:r", nil)
		}
	}
}

// A server may forget a nonce that was good, or a proxy and the server may both
// ask, without the password being wrong.
func TestAuthorizerKeepsTrying(t *testing.T) {
	a := NewAuthorizer(mufasa, nil)
	first := a.Request()
	challenge(t, first, false, `Digest realm="r", nonce="1", qop="auth"`)
	first.Authorize("REGISTER", "sip:r", nil)

	later := a.Request()
	if got := later.Authorize("REGISTER", "sip:r", nil); len(got) != 1 || !strings.Contains(got[0].Value, "nc=00000002") {
		t.Fatalf("a later request is authorized with %v, want the second use of the nonce", got)
	}
	challenge(t, later, false, `Digest realm="r", nonce="2", qop="auth"`)
	later.Authorize("REGISTER", "sip:r", nil)
	if err := later.Challenge(false, []string{`Digest realm="r", nonce="3", qop="auth"`}); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("the second refusal = %v, want %v", err, ErrBadCredentials)
	}
	if got := a.Request().Authorize("REGISTER", "sip:r", nil); len(got) != 0 {
		t.Errorf("after a refusal a request starts with %v, want nothing", got)
	}

	// Two requests that were both sent bare get a challenge each.
	one, two := a.Request(), a.Request()
	challenge(t, one, false, `Digest realm="r", nonce="4", qop="auth"`)
	one.Authorize("INVITE", "sip:r", nil)
	challenge(t, two, false, `Digest realm="r", nonce="5", qop="auth"`)
	two.Authorize("INVITE", "sip:r", nil)
	challenge(t, two, true, `Digest realm="r", nonce="6", qop="auth"`)
	if got := two.Authorize("INVITE", "sip:r", nil); len(got) != 2 {
		t.Errorf("server and proxy of one realm get %v, want two answers", got)
	}
}

func TestAuthorizerRealmBinding(t *testing.T) {
	c := mufasa
	c.Realm = "ours"
	a := NewAuthorizer(c, nil)
	if err := a.Challenge(false, []string{`Digest realm="theirs", nonce="1"`}); !errors.Is(err, ErrUnsupportedAuth) {
		t.Errorf("challenge of another realm = %v, want %v", err, ErrUnsupportedAuth)
	}
	challenge(t, a, false, `Digest realm="theirs", nonce="1", algorithm=SHA-256`, `Digest realm="ours", nonce="2"`)
	got := a.Authorize("REGISTER", "sip:r", nil)
	if len(got) != 1 || !strings.Contains(got[0].Value, `realm="ours"`) {
		t.Errorf("Authorize = %v, want only our realm", got)
	}
}

func TestCredentialsArePrintedWithoutPassword(t *testing.T) {
	c := Credentials{Username: "u", Password: "hunter2", Realm: "r"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("Signing in", "as", c)
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s", c, c, &c), fmt.Sprintf("%+v", NewAuthorizer(c, nil)), log.String()} {
		if strings.Contains(s, "hunter2") {
			t.Errorf("the password is printed: %s", s)
		}
	}
}

func challenge(t *testing.T, a *Authorizer, proxy bool, lines ...string) {
	t.Helper()
	if err := a.Challenge(proxy, lines); err != nil {
		t.Fatalf("Challenge(%v, %q): %v", proxy, lines, err)
	}
}

func FuzzDigestParse(f *testing.F) {
	f.Add(`Digest realm="a\"b", nonce="n", qop="auth,auth-int", algorithm=SHA-256-sess, stale=true, opaque=""`)
	f.Add(`Basic realm="x", Digest nonce=n, NTLM abc==`)
	f.Fuzz(func(t *testing.T, line string) {
		a := NewAuthorizer(mufasa, zeros{})
		if a.Challenge(false, []string{line, line}) != nil {
			return
		}
		for _, h := range a.Authorize("INVITE", "sip:a@b", nil) {
			if err := CheckHeader(h.Name, h.Value); err != nil {
				t.Fatalf("answer to %q: %v", line, err)
			}
			again := digestParse(h.Value)
			if len(again) != 1 || again[0].nonce == "" {
				t.Fatalf("answer to %q reads as %+v: %s", line, again, h.Value)
			}
		}
	})
}
