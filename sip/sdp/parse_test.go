package sdp

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// body joins lines with CR LF, as they are on the wire.
func body(lines ...string) []byte {
	return []byte(strings.Join(lines, "\r\n") + "\r\n")
}

func TestParse(t *testing.T) {
	got, err := Parse(body(
		"v=0",
		"o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5",
		"s=SDP Seminar",
		"i=A Seminar on the session description protocol",
		"c=IN IP4 224.2.17.12/127",
		"b=AS:128",
		"t=2873397496 2873404696",
		"a=recvonly",
		"m=audio 49170/2 RTP/AVP 0 99",
		"c=IN IP6 2001:DB8::1",
		"a=rtpmap:99 opus/48000/2",
		"a=sendonly",
		"m=video 51372 RTP/AVP 31",
	))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	want := &Description{
		Origin: Origin{
			Username: "jdoe", ID: "2890844526", Version: "2890842807",
			Address: Connection{Type: "IP4", Host: "10.47.16.5"},
		},
		Name:       "SDP Seminar",
		Connection: Connection{Type: "IP4", Host: "224.2.17.12"},
		Timing:     "2873397496 2873404696",
		Attributes: []Attribute{{Name: "recvonly"}},
		Media: []Media{
			{
				Kind: "audio", Port: 49170, Protocol: "RTP/AVP", Formats: []string{"0", "99"},
				Connection: Connection{Type: "IP6", Host: "2001:db8::1"},
				Attributes: []Attribute{{"rtpmap", "99 opus/48000/2"}, {"sendonly", ""}},
			},
			{Kind: "video", Port: 51372, Protocol: "RTP/AVP", Formats: []string{"31"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

// Every row is a body that phones in the field send. It prints as want, in which
// the lines are separated by a blank.
func TestParseForgives(t *testing.T) {
	const (
		head = "v=0 o=- 1 1 IN IP4 192.0.2.1 s=- c=IN IP4 192.0.2.1 t=0 0"
		tail = " m=audio 4000 RTP/AVP 8"
	)
	tests := []struct {
		name, in, want string
	}{
		{"LF only", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"CR only", "v=0\ro=- 1 1 IN IP4 192.0.2.1\rs=-\rc=IN IP4 192.0.2.1\rt=0 0\rm=audio 4000 RTP/AVP 8\r", head + tail},
		{"no last line end", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8", head + tail},
		{"no t=", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"no s=", "v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"empty s=", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{
			"no o=", "v=0\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n",
			"v=0 o=- 0 0 IN IP4 0.0.0.0 s=- c=IN IP4 192.0.2.1 t=0 0" + tail,
		},
		{"only v= and m=", "v=0\nm=audio 4000 RTP/AVP 8\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0" + tail},
		{"a= before t=", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\na=sendrecv\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + " a=sendrecv" + tail},
		{"c= after t=", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"o= user with a blank", "v=0\no=John Doe 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n", "v=0 o=John Doe 1 1 IN IP4 192.0.2.1 s=- t=0 0"},
		{"huge o= numbers", "v=0\no=- 99999999999999999999999 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n", "v=0 o=- 99999999999999999999999 1 IN IP4 192.0.2.1 s=- t=0 0"},
		{"short o=", "v=0\no=- 1 1\ns=-\nt=0 0\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0"},
		{"blank lines", "\r\n\r\nv=0\n\no=- 1 1 IN IP4 192.0.2.1\n\n \ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n\n\n", head + tail},
		{"white space everywhere", " v = 0 \n o = -  1\t1 IN   IP4 192.0.2.1 \ns = -\n c= IN IP4  192.0.2.1 \nt=0  0 \n m =  audio   4000  RTP/AVP   8 \n", head + tail},
		{"byte order mark", "\xef\xbb\xbfv=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"upper-case V", "V=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"lines that are no lines", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nhello\nxx=1\nm=audio 4000 RTP/AVP 8\n--boundary--\n", head + tail},
		{"unknown and unused types", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nq=9\nb=AS:80\nz=0 0\nt=0 0\nm=audio 4000 RTP/AVP 8\nb=TIAS:64000\ni=x\n", head + tail},
		{"t= that is no time", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=now\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"NUL and other controls", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\x00\x07\nc=IN IP4 192.0.2.1\x00\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{"no UTF-8", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=M\xfcller\nt=0 0\n", "v=0 o=- 1 1 IN IP4 192.0.2.1 s=M?ller t=0 0"},
		{"c= without its words", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n", head + tail},
		{
			"c= with brackets and the wrong type", "v=0\nc=IN IP4 [2001:db8::1]\nm=audio 4000 RTP/AVP 8\n",
			"v=0 o=- 0 0 IN IP4 0.0.0.0 s=- c=IN IP6 2001:db8::1 t=0 0" + tail,
		},
		{"c= with a TTL and a count", "v=0\nc=IN IP4 224.0.2.1/127/3\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- c=IN IP4 224.0.2.1 t=0 0"},
		{"c= with a host name", "v=0\nc=IN IP6 phone.example\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- c=IN IP6 phone.example t=0 0"},
		{"empty c=", "v=0\nc=\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0"},
		{"two c= lines", "v=0\nc=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.2\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- c=IN IP4 192.0.2.1 t=0 0"},
		{"T.38", "v=0\nm=image 4002 udptl t38\na=T38FaxVersion:0\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=image 4002 udptl t38 a=T38FaxVersion:0"},
		{"unknown kind and protocol", "v=0\nm=holo 1 X/Y z\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=holo 1 X/Y z"},
		{"port too large", "v=0\nm=audio 65536 RTP/AVP 8\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=audio 0 RTP/AVP 8"},
		{"negative port", "v=0\nm=audio -1 RTP/AVP 8\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=audio 0 RTP/AVP 8"},
		{"port that is no number", "v=0\nm=audio x RTP/AVP 8\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=audio 0 RTP/AVP 8"},
		{"m= without formats", "v=0\nm=audio 4000 RTP/AVP\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=audio 4000 RTP/AVP 0"},
		{"m= with one word", "v=0\nm=video\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=video 0 RTP/AVP 0"},
		{"empty m=", "v=0\nm=\n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 m=audio 0 RTP/AVP 0"},
		{"a= without a name", "v=0\na=\na=:x\na= ptime : 20 \n", "v=0 o=- 0 0 IN IP4 0.0.0.0 s=- t=0 0 a=ptime:20"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse([]byte(tt.in))
			if err != nil {
				t.Fatalf("Parse(%q): %v", tt.in, err)
			}
			got := strings.ReplaceAll(strings.TrimSuffix(string(d.Bytes()), "\r\n"), "\r\n", " ")
			if got != tt.want {
				t.Errorf("Parse(%q).Bytes()\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	lines := func(n int, line string) string { return "v=0\n" + strings.Repeat(line+"\n", n) }
	tests := []struct {
		name, in string
		line     int // of the error; -1: none
	}{
		{"empty", "", 0},
		{"blank lines only", "\r\n\r\n", 0},
		{"no v=", "o=- 1 1 IN IP4 192.0.2.1\ns=-\n", 1},
		{"v=1", "v=1\n", 1},
		{"text", "\n\nhello", 3},
		{"body as large as allowed", "v=0\n" + strings.Repeat("a=x"+strings.Repeat("y", 4092)+"\n", 15), -1},
		{"body too large", "v=0\n" + strings.Repeat("a=x"+strings.Repeat("y", 4092)+"\n", 17), 0},
		{"line as long as allowed", "v=0\na=" + strings.Repeat("x", MaxLine-2), -1},
		{"line too long", "v=0\na=" + strings.Repeat("x", MaxLine-1), 2},
		{"as many lines as allowed", lines(MaxLines-1, "a=x"), -1},
		{"too many lines", lines(MaxLines, "a=x"), MaxLines + 1},
		{"as many m= lines as allowed", lines(MaxMedia, "m=audio 1 RTP/AVP 0"), -1},
		{"too many m= lines", lines(MaxMedia+1, "m=audio 1 RTP/AVP 0"), MaxMedia + 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse([]byte(tt.in))
			if tt.line < 0 {
				if err != nil {
					t.Errorf("Parse = %v, want no error", err)
				}
				return
			}
			e, ok := errors.AsType[*SyntaxError](err)
			if !ok || e.Line != tt.line || e.Reason == "" || d != nil {
				t.Errorf("Parse = %v, %v, want a SyntaxError in line %d", d, err, tt.line)
			}
		})
	}
}

// Nothing in a Description can add a line to what is printed.
func TestBytesKeepsLinesWhole(t *testing.T) {
	const evil = "x\r\na=evil\nm=audio 1 RTP/AVP 0\rc=IN IP4 203.0.113.1\x00"
	d := &Description{
		Origin:     Origin{Username: evil, ID: evil, Version: evil, Address: Connection{Type: evil, Host: evil}},
		Name:       evil,
		Connection: Connection{Type: evil, Host: evil},
		Timing:     evil,
		Attributes: []Attribute{{Name: evil, Value: evil}},
		Media: []Media{{
			Kind: evil, Protocol: evil, Formats: []string{evil},
			Connection: Connection{Host: evil}, Attributes: []Attribute{{Name: evil}},
		}},
	}
	out := string(d.Bytes())
	if got, want := strings.Count(out, "\n"), 9; got != want {
		t.Errorf("Bytes() has %d lines, want %d:\n%s", got, want, out)
	}
	if strings.Count(out, "\r") != strings.Count(out, "\r\n") || strings.Contains(out, "\x00") {
		t.Errorf("Bytes() = %q, has controls inside a line", out)
	}
}

// oddBodies returns the corpus of odd and broken bodies.
func oddBodies(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/odd/*.sdp")
	if err != nil || len(names) == 0 {
		t.Fatalf("no odd bodies found: %v", err)
	}
	bodies := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies[filepath.Base(name)] = b
	}
	return bodies
}

func FuzzParse(f *testing.F) {
	for _, b := range oddBodies(f) {
		f.Add(b)
	}
	f.Add(body("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 8"))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := Parse(in)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Errorf("Parse(%q) = %v, want a SyntaxError", in, err)
			}
			return
		}
		if len(d.Media) > MaxMedia {
			t.Errorf("Parse(%q) has %d m= lines", in, len(d.Media))
		}
		out := d.Bytes()
		again, err := Parse(out)
		if err != nil {
			// Only what the printer fills in may carry a body over a bound.
			if len(in) < MaxLine/4 {
				t.Errorf("Parse(%q) of what was printed: %v", out, err)
			}
			return
		}
		if got := again.Bytes(); string(got) != string(out) {
			t.Errorf("printed %q, then %q", out, got)
		}
	})
}
