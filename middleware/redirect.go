package middleware

import (
	"errors"
	"slices"

	"parley/middleware/session"
	"parley/sip"
)

// maxRedirects is how many other addresses one call tries.
const maxRedirects = 5

// SIPSessionWasRedirected is posted when the server named another address for
// who is called (3xx) and the call goes on there. From and To are the URIs.
type SIPSessionWasRedirected struct {
	About
	Code     int
	From, To string
}

// redirects is what a call knows of the other addresses of who is called.
type redirects struct {
	tried   []sip.URI // the first one included
	waiting []sip.URI // best first
	next    target    // to be tried now
	code    int       // of the response that named it, or of the one before it; 0 if there was none
}

// redirected goes on with another address when the call was redirected (RFC 3261
// section 8.1.3.4), or when one of several addresses did not answer or cannot be
// reached. It reports whether it did.
func (s *Session) redirected(err error) bool {
	if s.place.State != session.Calling || s.m.app == nil || !s.m.settings.Get().Calls.FollowRedirects {
		return false
	}
	var status *sip.StatusError
	if !errors.As(err, &status) {
		status = &sip.StatusError{}
	}
	r := &s.others
	switch {
	case isRedirection(status.Code):
		for _, a := range slices.Backward(status.Contacts) {
			r.waiting = slices.Insert(r.waiting, 0, a.URI)
		}
	case status.Code >= 600, status.Code == 487: // nobody else is to be asked
		return false
	}
	if len(r.tried) == 0 {
		r.tried = []sip.URI{s.target.uri}
	}
	for len(r.waiting) > 0 && len(r.tried) <= maxRedirects {
		u := r.waiting[0]
		r.waiting = r.waiting[1:]
		t, ok := s.redirectTarget(u)
		if ok {
			r.tried = append(r.tried, t.uri)
			r.next, r.code = t, status.Code
			s.step(event{in: session.GotRedirect, by: Remote})
			return true
		}
	}
	return false
}

// isRedirection reports whether a response names addresses to call instead. A 305
// names a proxy, which nobody but the account may choose.
func isRedirection(code int) bool { return code >= 300 && code < 400 && code != 305 }

// redirectTarget makes a target of an address that a response names, unless that
// must not be called: it was tried, it is our own, or its way is less safe than
// that to the first.
func (s *Session) redirectTarget(u sip.URI) (target, bool) {
	u = u.Clone()
	u.Headers = nil
	u.Params.Remove("method")
	if u.Scheme == "tel" && s.account != nil {
		u = sip.URI{Scheme: "sip", User: u.User, Host: domainOf(s.account.id)}
		if s.target.uri.Secure() {
			u.Scheme = "sips"
		}
	}
	if !s.mayGo(u) {
		return target{}, false
	}
	if s.account == nil {
		t, err := s.m.app.addressTarget(u)
		return s.target.at(t), err == nil
	}
	t, err := s.account.target(u)
	return s.target.at(t), err == nil
}

func (s *Session) mayGo(u sip.URI) bool {
	tried := slices.ContainsFunc(s.others.tried, func(v sip.URI) bool { return v.Equal(u) })
	downgraded := s.target.uri.Secure() && !u.Secure()
	return (u.Scheme == "sip" || u.Scheme == "sips") && !tried && !downgraded && !hasControl(u.User) && !s.m.app.isOurs(u)
}

// at returns t with the address of other: who is called stays the same.
func (t target) at(other target) target {
	t.endpoint, t.uri, t.lookup, t.routeSet = other.endpoint, other.uri, other.lookup, other.routeSet
	t.neighbour, t.ways, t.more = other.neighbour, other.ways, other.more
	return t
}

// followRedirect makes the next address the target. The sockets of the audio are
// opened anew, since the way there may leave by another address of ours.
func (s *Session) followRedirect() {
	from, neighbour := s.target.uri, s.target.neighbour
	s.target = s.others.next
	if s.call != nil {
		s.target.headers = withDiversions(s.target.headers, s.call.Identity().Diversions)
		s.call.Close()
	}
	s.call = nil // what may be offered follows from the routes again
	s.stopStreams()
	s.agreed, s.leg, s.heard, s.secured = nil, "", "", false
	s.now.Progress, s.now.Audio = Progress{}, Audio{}
	s.now.RemoteURI = s.target.uri.String()
	s.now.Verified = false // by who was called before
	switch f := s.target.neighbour; {
	case f != nil:
		s.meet(f)
		if f == neighbour { // another contact of who is called
			return
		}
	case neighbour != nil:
		s.part()
	}
	s.now.RedirectedTo = peerOf(sip.Address{URI: s.target.uri})
	s.publish(SIPSessionWasRedirected{About: s.about(), Code: s.others.code, From: from.String(), To: s.now.RemoteURI})
}

// withDiversions adds to the header fields of a call who has passed it on, so
// that the next one sees where it has been (RFC 5806).
func withDiversions(headers []sip.Header, passed []sip.Diversion) []sip.Header {
	list := slices.DeleteFunc(slices.Clone(headers), func(h sip.Header) bool { return h.Name == "Diversion" })
	for _, d := range passed {
		list = append(list, sip.Header{Name: "Diversion", Value: d.Address.String()})
	}
	return list
}
