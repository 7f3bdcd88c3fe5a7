package scripting

import (
	"strings"

	"parley/middleware"
	"parley/middleware/session"
)

// streamsOf names the streams of a call. Before the answer it is what is
// proposed by the call itself.
func streamsOf(s middleware.SessionSnapshot) string {
	switch s.State() {
	case session.Established, session.Proposing, session.Proposed:
		if had := s.Audio.Codec != ""; had && !s.Audio.Active {
			return "NONE"
		}
	}
	return "AUDIO"
}

// proposalOf says who proposes which streams, as "REMOTE AUDIO", or NONE.
func proposalOf(s middleware.SessionSnapshot) string {
	if s.Proposal.By == "" {
		return "NONE"
	}
	return strings.ToUpper(join(string(s.Proposal.By), strings.Join(s.Proposal.Streams(), " ")))
}
