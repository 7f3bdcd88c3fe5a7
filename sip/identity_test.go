package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/emiago/sipgo/sip"
)

// identityText sums an identity up.
func identityText(i Identity) string {
	var b strings.Builder
	for _, a := range i.Asserted {
		fmt.Fprintf(&b, "asserted %s %q\n", a.URI, a.SafeName())
	}
	for _, d := range i.Diversions {
		fmt.Fprintf(&b, "diverted %s %q %s\n", d.URI, d.SafeName(), d.Reason)
	}
	if i.Subject != "" || i.AlertInfo != "" || i.Privacy {
		fmt.Fprintf(&b, "%q %q %v\n", i.Subject, i.AlertInfo, i.Privacy)
	}
	if after, ok := i.AnswerAfter(); ok {
		fmt.Fprintf(&b, "answer after %v\n", after)
	}
	return b.String()
}

func TestIdentity(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"nothing", "", ""},
		{
			"asserted (RFC 3325)", `P-Asserted-Identity: "Cullen, J" <sip:fluffy@cisco.com>, <tel:+14085264000>` + "\n" + `P-Asserted-Identity: nonsense`,
			"asserted sip:fluffy@cisco.com \"Cullen, J\"\nasserted tel:+14085264000 \"\"\n",
		},
		{
			"diversion (RFC 5806), the newest first", "Diversion: \"Reception\" <sip:1@a>;reason=\"no-answer\";counter=2,<sip:2@a>;reason=user-busy\nDiversion: <sip:3@a>",
			"diverted sip:1@a \"Reception\" no-answer\ndiverted sip:2@a \"\" user-busy\ndiverted sip:3@a \"\" \n",
		},
		{
			"history (RFC 7044)", "History-Info: <sip:1@a?Reason=SIP%3Bcause%3D302>;index=1, <sip:2@a;cause=486>;index=1.1, <sip:2@10.0.0.9>;index=1.1.1;rc=1.1",
			"diverted sip:1@a \"\" user-busy\n",
		},
		{
			"history with the reason inside", "History-Info: <sip:1@a?Reason=SIP%3Bcause%3D408>;index=1,<sip:2@a>;index=2",
			"diverted sip:1@a \"\" no-answer\n",
		},
		{
			"history and diversion of the same", "Diversion: <sip:1@a>;reason=unconditional\nHistory-Info: <sip:1@a>;index=1,<sip:2@a>;index=2;mp=1",
			"diverted sip:1@a \"\" unconditional\n",
		},
		{
			"history that is private", "History-Info: <sip:1@a?Privacy=history&Reason=SIP%3Bcause%3D302>;index=1,<sip:2@a>;index=2", "",
		},
		{"subject", "Subject: a\x01b", `"ab" "" false` + "\n"},
		{"alert", "Alert-Info: <http://www.example.com/sound.wav>;x=1", `"" "http://www.example.com/sound.wav" false` + "\n"},
		{"answer", "Call-Info: <sip:10.0.0.1>;answer-after=0", "answer after 0s\n"},
		{"answer, any spelling", "Call-Info: <http://a/p.png>;purpose=icon, <sip:x> ; Answer-After = \"5\"", "answer after 5s\n"},
		{"answer by ring", "Alert-Info: <http://127.0.0.1>;info=alert-autoanswer;delay=3", "\"\" \"http://127.0.0.1\" false\nanswer after 3s\n"},
		{"answer, nonsense", "Call-Info: <sip:x>;answer-after=-1\nCall-Info: <sip:x>;answer-after=99999999999\nCall-Info: <sip:x>;answer-after", ""},
		{"privacy", "Privacy: id;critical", "\"\" \"\" true\n"},
		{"no privacy", "Privacy: none", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := sip.NewRequest(sip.INVITE, sip.Uri{Host: "h"})
			for line := range strings.SplitSeq(tt.text, "\n") {
				if name, value, ok := strings.Cut(line, ": "); ok {
					m.AppendHeader(sip.NewHeader(name, value))
				}
			}
			if diff := cmp.Diff(tt.want, identityText(identityOf(m))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentityIsBounded(t *testing.T) {
	m := sip.NewRequest(sip.INVITE, sip.Uri{Host: "h"})
	for i := range 1000 {
		m.AppendHeader(sip.NewHeader("P-Asserted-Identity", fmt.Sprintf("<sip:%d@a>", i)))
		m.AppendHeader(sip.NewHeader("Diversion", fmt.Sprintf("<sip:%d@a>", i)))
		m.AppendHeader(sip.NewHeader("History-Info", fmt.Sprintf("<sip:h%d@a;cause=302>", i)))
	}
	got := identityOf(m)
	if len(got.Asserted) != maxAsserted || len(got.Diversions) != maxDiversions {
		t.Errorf("%d asserted and %d diversions, want %d and %d", len(got.Asserted), len(got.Diversions), maxAsserted, maxDiversions)
	}
}

func TestBestContacts(t *testing.T) {
	res := sip.NewResponse(302, "Moved")
	res.AppendHeader(sip.NewHeader("Contact", "<sip:low@a>;q=0.1, \"B, b\" <sip:best@a>;q=1.0"))
	res.AppendHeader(sip.NewHeader("Contact", "<mailto:x@y>"))
	res.AppendHeader(sip.NewHeader("Contact", "<sip:none@a>"))
	res.AppendHeader(sip.NewHeader("Contact", "<sip:odd@a>;q=7"))
	for i := range 20 {
		res.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("<sip:%d@a>;q=0.5", i)))
	}
	var got []string
	for _, a := range statusError(res).Contacts {
		got = append(got, a.URI.User)
	}
	if diff := cmp.Diff([]string{"best", "none", "0", "1", "2", "3", "4", "low", "odd"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add(`"A" <sip:a@b?Reason=SIP%3Bcause%3D302&Privacy=x>;reason=x;answer-after=3;info=alert-autoanswer,<sip:c@d;cause=486>;mp=1`)
	f.Add(`<<>>,",;=`)
	f.Fuzz(func(t *testing.T, value string) {
		m := sip.NewRequest(sip.INVITE, sip.Uri{Host: "h"})
		for _, name := range []string{"P-Asserted-Identity", "Diversion", "History-Info", "Subject", "Alert-Info", "Call-Info", "Privacy", "Contact"} {
			m.AppendHeader(sip.NewHeader(name, value))
		}
		i := identityOf(m)
		after, _ := i.AnswerAfter()
		if len(i.Asserted) > maxAsserted || len(i.Diversions) > maxDiversions || after < 0 || after > time.Hour {
			t.Errorf("identityOf(%q) = %+v", value, i)
		}
		for _, s := range []string{i.Subject, i.AlertInfo} {
			if s != CleanText(s, 200) {
				t.Errorf("%q is not clean", s)
			}
		}
	})
}
