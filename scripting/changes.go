package scripting

import (
	"maps"
	"slices"
	"strings"

	"parley/middleware"
)

// accountAdded begins to follow a new account.
func (h *hub) accountAdded(a middleware.AccountSnapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.accounts[a.ID]; !known {
		h.accounts[a.ID] = middleware.AccountSnapshot{ID: a.ID}
		h.tellLocked(join("ACCOUNT", a.ID, "CREATED"))
	}
}

// gotAccount tells what has changed of an account.
func (h *hub) gotAccount(a middleware.AccountSnapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, known := h.accounts[a.ID]
	if !known || a.Rev < old.Rev {
		return
	}
	h.accounts[a.ID] = a
	first := old.Rev == 0
	if now := accountReason(a); now != "" && (first || now != accountReason(old)) {
		h.tellLocked(join("ACCOUNT", a.ID, "REASON", now))
	}
	if first || a.Registration != old.Registration {
		h.tellLocked(join("ACCOUNT", a.ID, "REGSTATUS", constant(a.Registration.String())))
	}
	if now := forwardFailure(a); !first && now != forwardFailure(old) {
		h.tellLocked(join("ACCOUNT", a.ID, "FORWARDFAILURE", now))
	}
	h.connLocked()
}

// connLocked tells CONNSTATUS if it has changed.
func (h *hub) connLocked() {
	if now := connStatus(slices.Collect(maps.Values(h.accounts)), h.s.onLAN(h.bonjour)); now != h.connStatus {
		h.connStatus = now
		h.tellLocked("CONNSTATUS " + now)
	}
}

func (h *hub) gotUserStatus(n middleware.UserStatusDidChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tellLocked("USERSTATUS " + string(n.Status))
	h.connLocked()
}

func (h *hub) gotDefault(n middleware.SIPAccountManagerDidChangeDefaultAccount) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handle = handleOf(n.Account)
	h.tellLocked(join("DEFAULTACCOUNT", n.Account))
	h.tellLocked(join("CURRENTUSERHANDLE", h.handle))
}

// accountReason says why an account is not registered, where that is a failure.
func accountReason(a middleware.AccountSnapshot) string {
	if constant(a.Registration.String()) != regFailed {
		return ""
	}
	return failureWords(a.Failure)
}

// Values of REGSTATUS that matter here.
const (
	regRegistered  = "REGISTERED"
	regRegistering = "REGISTERING"
	regFailed      = "FAILED"
)

// connStatus sums all accounts up in Skype's words: the best one counts. Without an
// account that is on, it is the local network that one can call on.
func connStatus(list []middleware.AccountSnapshot, lan bool) string {
	best := 0
	if lan && !slices.ContainsFunc(list, func(a middleware.AccountSnapshot) bool { return a.Enabled }) {
		best = 3
	}
	for _, a := range list {
		switch constant(a.Registration.String()) {
		case regRegistered:
			best = max(best, 3)
		case regRegistering:
			best = max(best, 2)
		case regFailed:
			if !a.NextTry.IsZero() {
				best = max(best, 1)
			}
		}
	}
	return [...]string{"OFFLINE", "PAUSING", "CONNECTING", "ONLINE"}[best]
}

func defaultHandle(list []middleware.AccountSnapshot) string {
	for _, a := range list {
		if a.Default {
			return handleOf(a.ID)
		}
	}
	return ""
}

func (h *hub) accountRemoved(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.accounts, id)
	h.tellLocked("DELETED ACCOUNT " + id)
	h.connLocked()
}

// gotSettings tells of changed settings, sorted by name.
func (h *hub) gotSettings(n middleware.CFGSettingsObjectDidChange) {
	h.tellPolicies(n)
	for _, name := range slices.Sorted(maps.Keys(n.Modified)) {
		text, ok := n.Modified[name].New.(string)
		if !ok {
			continue
		}
		if n.Object == "general" {
			if k, err := middleware.FindSettingKey(name); err == nil {
				h.tell(join("SETTING", name, valueText(k.Values(), text)))
				h.tellBonjourSetting(name, valueText(k.Values(), text))
			}
			continue
		}
		if n.Object == middleware.BonjourID {
			continue // told above: its settings are general ones
		}
		if k, err := middleware.FindAccountKey(name); err == nil {
			h.tell(join("ACCOUNT", n.Object, strings.ToUpper(name), valueText(k.Values(), text)))
		}
	}
}

// valueText writes a setting's value: truth in upper case, all else as it is.
func valueText(values []string, text string) string {
	if len(values) == 2 && values[0] == "true" && values[1] == "false" {
		return strings.ToUpper(text)
	}
	return text
}

// gotDevices tells which sound devices were chosen.
func (h *hub) gotDevices(n middleware.AudioDevicesDidChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := devicesOf(n.Now)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != h.variables[name] {
			h.tellLocked(join(name, now[name]))
		}
	}
	h.variables = now
}
