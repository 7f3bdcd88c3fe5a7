package scripting

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/middleware"
	"parley/middleware/session"
	"parley/scripting/protocol"
)

const off = "OFF"

// forwarding says where every call is forwarded.
func (s *Server) forwarding() string {
	set := s.app.Settings().Calls
	if !set.Forwarding {
		return off
	}
	return set.ForwardTo
}

// setForwarding takes OFF, ON or a target.
func (s *Server) setForwarding(value string) error {
	on, target := true, value
	switch strings.ToUpper(value) {
	case "":
		return protocol.Errorf(protocol.BadValue, "OFF, ON or a target")
	case off:
		on, target = false, ""
	case "ON":
		target = ""
	}
	return refuse(protocol.BadValue, s.app.SetForwarding(on, target))
}

// autoAnswer says after how many seconds calls are answered by themselves.
func (s *Server) autoAnswer() string {
	set := s.app.Settings().Calls
	if !set.AutoAnswer {
		return off
	}
	return number(int(set.AutoAnswerAfter / time.Second))
}

// setAutoAnswer takes OFF, ON or a number of seconds.
func (s *Server) setAutoAnswer(value string) error {
	after := time.Duration(-1)
	switch strings.ToUpper(value) {
	case off, "ON":
	default:
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return protocol.Errorf(protocol.BadValue, "OFF, ON or a number of seconds")
		}
		after = time.Duration(n) * time.Second
	}
	return refuse(protocol.BadValue, s.app.ChangeSettings(func(set *middleware.Settings) error {
		set.Calls.AutoAnswer = !strings.EqualFold(value, off)
		if after >= 0 {
			set.Calls.AutoAnswerAfter = after
		}
		return nil
	}))
}

// forwardFailure says why an account's newest call to be forwarded was not.
func forwardFailure(a middleware.AccountSnapshot) string {
	if a.ForwardError == nil {
		return ""
	}
	return plain(a.ForwardError)
}

// tellPolicies tells the variables that follow from settings.
func (h *hub) tellPolicies(n middleware.CFGSettingsObjectDidChange) {
	changed := func(names ...string) bool {
		return n.Object == "general" && slices.ContainsFunc(names, func(name string) bool {
			_, ok := n.Modified[name]
			return ok
		})
	}
	if changed("calls.forwarding", "calls.forward_to") {
		h.tell(join("FORWARDING", h.s.forwarding()))
	}
	if changed("calls.auto_answer", "calls.auto_answer_after") {
		h.tell(join("AUTOANSWER", h.s.autoAnswer()))
	}
}

// testDial explains what a call would call: TEST DIAL <target> [FROM <account>].
func (s *Server) testDial(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	target, account := cutFrom(cmd.Rest())
	t := s.app.SessionManager().TestDial(account, target)
	if t.Err != nil {
		return "", dialError(t.Err)
	}
	words := []string{"TEST DIAL", t.Address}
	if t.Account != "" {
		words = append(words, "ACCOUNT", t.Account)
	}
	words = append(words, "RULE", number(t.Rule), "STEPS")
	for _, step := range t.Steps {
		words = append(words, step.String()+";")
	}
	return join(words...), nil
}

// pickUp takes a call that rings elsewhere: PICKUP <extension> [FROM <account>].
func (s *Server) pickUp(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	extension, account := cutFrom(cmd.Rest())
	return s.dialed(s.app.SessionManager().Pickup(account, extension))
}

// unpark takes a parked call: UNPARK <slot> [FROM <account>].
func (s *Server) unpark(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	slot, account := cutFrom(cmd.Rest())
	return s.dialed(s.app.SessionManager().Unpark(account, slot))
}

// redirect sends the caller of a ringing call elsewhere.
func redirect(_ *Server, ctx context.Context, v callView, target string) error {
	if target == "" {
		return protocol.Errorf(protocol.AlterBadArguments, "")
	}
	return v.do(ctx, session.Redirect, target, protocol.AlterFailed)
}

// park leaves the call with the account's server.
func park(_ *Server, _ context.Context, v callView, slot string) error {
	if v.session == nil || !v.snap.Accepts(session.Transfer) {
		return protocol.Errorf(protocol.CallNotActive, "")
	}
	return refuse(protocol.AlterFailed, v.session.Park(slot))
}

// cancelAutoAnswer lets a call go on ringing that would be answered by itself.
func cancelAutoAnswer(_ *Server, _ context.Context, v callView, _ string) error {
	if v.session == nil || v.snap.AutoAnswerAt.IsZero() {
		return protocol.Errorf(protocol.AlterFailed, "")
	}
	v.session.CancelAutoAnswer()
	return nil
}
