package storage

import (
	"fmt"
	"strconv"
	"time"
)

const portsWant = "the range of audio ports must be 0 and 0, or hold at least ten ports from 1024 on"

// portsFit reports whether the audio ports are a usable range.
func portsFit(n Network) bool {
	if n.RTPPortMin == 0 && n.RTPPortMax == 0 {
		return true
	}
	return n.RTPPortMin >= 1024 && n.RTPPortMax >= n.RTPPortMin+9
}

// What is wrong with settings about forwarding, for people.
const (
	forwardWant   = "less than calls.ring_timeout, where unanswered calls are forwarded"
	forwardToWant = "false as long as calls.forward_to is empty"
)

// forwardFits reports whether unanswered calls are forwarded before they are
// given up.
func forwardFits(c Calls) bool {
	return c.ForwardNoAnswerTo == "" || c.ForwardAfter < c.RingTimeout
}

// Validate returns a *ValueError if any of the settings is not allowed, alone
// or together with the others.
func (s Settings) Validate() error {
	for _, k := range settingKeys {
		if err := k.Check(&s); err != nil {
			return err
		}
	}
	if n := s.Network; !portsFit(n) {
		return &ValueError{Key: "network.rtp_port_min", Value: fmt.Sprintf("%d to %d", n.RTPPortMin, n.RTPPortMax), Want: portsWant}
	}
	if !forwardFits(s.Calls) {
		return &ValueError{Key: "calls.forward_after", Value: strconv.Itoa(int(s.Calls.ForwardAfter / time.Second)), Want: forwardWant}
	}
	if s.Calls.Forwarding && s.Calls.ForwardTo == "" {
		return &ValueError{Key: "calls.forwarding", Value: "true", Want: forwardToWant}
	}
	if len(s.Accounts) > maxBlocks {
		return &ValueError{Key: accountsTable, Value: strconv.Itoa(len(s.Accounts)), Want: fmt.Sprintf("at most %d accounts", maxBlocks)}
	}
	if len(s.API.Apps) > maxBlocks {
		return &ValueError{Key: appsTable, Value: strconv.Itoa(len(s.API.Apps)), Want: fmt.Sprintf("at most %d programs", maxBlocks)}
	}
	seen := map[string]bool{}
	for _, a := range s.Accounts {
		if err := a.Validate(); err != nil {
			return err
		}
		if seen[a.ID] {
			return &ValueError{Key: idKey.Name, Value: a.ID, Want: "an address that no other account has"}
		}
		seen[a.ID] = true
	}
	if s.DefaultAccount != "" && !seen[s.DefaultAccount] {
		return &ValueError{Key: "general.default_account", Value: s.DefaultAccount, Want: "the address of an account"}
	}
	apps := map[[2]string]bool{}
	for _, g := range s.API.Apps {
		for _, k := range appKeys {
			if err := k.Check(&g); err != nil {
				return err
			}
		}
		if apps[[2]string{g.Name, g.Executable}] {
			return &ValueError{Key: appsTable, Value: g.Name, Want: "a program that has no answer yet"}
		}
		apps[[2]string{g.Name, g.Executable}] = true
	}
	return nil
}

// Validate returns a *ValueError if any setting of the account is not allowed.
func (a Account) Validate() error {
	if err := idKey.Check(&a); err != nil {
		return err
	}
	for _, k := range accountKeys {
		if err := k.Check(&a); err != nil {
			return err
		}
	}
	return nil
}
