package middleware

import (
	"time"

	"parley/middleware/bus"
)

// AboutAccount is the common part of the notifications of an account.
type AboutAccount struct {
	bus.Note

	Account string // its id
	At      time.Time
	Now     AccountSnapshot
}

// AccountOf returns the account that n is about, if it is about one that
// [AccountManager.GetAccounts] returns, or did.
func AccountOf(n bus.Notification) (AccountSnapshot, bool) {
	if a, ok := n.(interface{ aboutAccount() AccountSnapshot }); ok && a.aboutAccount().ID != BonjourID {
		return a.aboutAccount(), true
	}
	return AccountSnapshot{}, false
}

func (a AboutAccount) aboutAccount() AccountSnapshot { return a.Now }

type (
	// SIPApplicationWillStart is posted first of all.
	SIPApplicationWillStart struct{ bus.Note }

	// SIPApplicationDidStart is posted when every part runs.
	SIPApplicationDidStart struct{ bus.Note }

	// SIPApplicationWillEnd is posted when the application begins to stop.
	SIPApplicationWillEnd struct{ bus.Note }

	// SIPApplicationDidEnd is the very last notification.
	SIPApplicationDidEnd struct{ bus.Note }

	// SIPAccountManagerDidAddAccount is posted for every account loaded or
	// made.
	SIPAccountManagerDidAddAccount struct{ AboutAccount }

	// SIPAccountManagerDidRemoveAccount is posted when an account was deleted.
	SIPAccountManagerDidRemoveAccount struct{ AboutAccount }

	// SIPAccountManagerDidChangeDefaultAccount is posted when another account
	// becomes the default; either id may be empty.
	SIPAccountManagerDidChangeDefaultAccount struct {
		bus.Note
		OldAccount string
		Account    string
	}

	// SIPAccountDidActivate is posted when an account begins to work.
	SIPAccountDidActivate struct{ AboutAccount }

	// SIPAccountDidDeactivate is posted when it no longer does.
	SIPAccountDidDeactivate struct{ AboutAccount }

	// SIPAccountDidChange is posted after any change of an account's snapshot.
	// Not in the seeds.
	SIPAccountDidChange struct{ AboutAccount }

	// SIPAccountRegistrationDidSucceed is posted for every REGISTER that
	// succeeds, refreshes included.
	SIPAccountRegistrationDidSucceed struct {
		AboutAccount
		Code           int
		Reason         string
		ContactURI     string
		ContactURIList []string
		Expires        time.Duration
	}

	// SIPAccountRegistrationDidFail is posted when a REGISTER fails.
	SIPAccountRegistrationDidFail struct {
		AboutAccount
		Failure   Failure
		NextRoute string        // tried next; empty: routes will be looked up anew, as they always are
		Delay     time.Duration // until the next try; negative when there will be none
	}

	// SIPAccountRegistrationWillEnd is posted before an account is unregistered.
	SIPAccountRegistrationWillEnd struct{ AboutAccount }

	// SIPAccountRegistrationDidEnd is posted when an account was unregistered.
	SIPAccountRegistrationDidEnd struct {
		AboutAccount
		Code   int
		Reason string
	}

	// CFGSettingsObjectDidChange is posted when a settings object was saved with
	// changes. Object is "general" or an account's id.
	CFGSettingsObjectDidChange struct {
		bus.Note
		Object   string
		Modified map[string]Modified // by setting name
	}

	// AudioDevicesDidChange is posted when devices came or went, or others were
	// chosen.
	AudioDevicesDidChange struct {
		bus.Note
		Now AudioSnapshot
	}

	// AudioDeviceDidFail is posted when a device in use could not be opened or
	// vanished; the calls go on without it.
	AudioDeviceDidFail struct {
		bus.Note
		Which string // "input", "output" or "alert"
		Name  string
		Err   error
		Now   AudioSnapshot
	}

	// AudioDeviceDidRecover is posted when it is back.
	AudioDeviceDidRecover struct {
		bus.Note
		Which string
		Name  string
		Now   AudioSnapshot
	}

	// AudioMuteDidChange is posted when the microphone is muted or unmuted.
	AudioMuteDidChange struct {
		bus.Note
		Muted bool
	}

	// HistoryDidChange is posted when an entry was added, changed or removed.
	HistoryDidChange struct {
		bus.Note
		Unseen int // missed calls not yet looked at
	}

	// UserStatusDidChange is posted when the person's own status changes.
	UserStatusDidChange struct {
		bus.Note
		Status UserStatus
	}
)

// Modified holds both values of a changed setting.
type Modified struct{ Old, New any }
