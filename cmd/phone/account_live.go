package main

import (
	"context"
	"strings"

	"parley/scripting/client"
)

// liveAccounts are the accounts of the Parley that is running.
type liveAccounts struct{ c *client.Client }

func (l liveAccounts) close() { l.c.Close() }

func (l liveAccounts) list(ctx context.Context) ([]accountLine, error) {
	reply, err := l.c.Do(ctx, "SEARCH ACCOUNTS")
	if err != nil {
		return nil, err
	}
	var lines []accountLine
	_, ids, _ := strings.Cut(reply, " ")
	for _, id := range strings.Split(ids, ", ") {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		line := accountLine{id: id}
		for _, p := range []string{"REGSTATUS", "REASON", "DEFAULT"} {
			reply, err := l.c.Do(ctx, "GET ACCOUNT "+id+" "+p)
			if err != nil {
				return nil, err
			}
			value := strings.TrimPrefix(reply, "ACCOUNT "+id+" "+p)
			switch value = strings.TrimSpace(value); {
			case p == "DEFAULT":
				line.isDefault = value == "TRUE"
			case value != "":
				line.state = strings.TrimSpace(line.state + " " + value)
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// add makes the account with one command, so that it registers once, with all
// that it needs.
func (l liveAccounts) add(ctx context.Context, id string, pairs [][2]string, password string) error {
	var b strings.Builder
	b.WriteString("CREATE ACCOUNT " + id)
	if password != "" {
		pairs = append(pairs, [2]string{"password", password})
	}
	for _, p := range pairs {
		b.WriteString(" " + p[0] + "=" + client.Quote(p[1]))
	}
	_, err := l.c.Do(ctx, b.String())
	return err
}

func (l liveAccounts) edit(ctx context.Context, id string, pairs [][2]string) error {
	for _, p := range pairs {
		if _, err := l.c.Do(ctx, "SET ACCOUNT "+id+" "+p[0]+" "+p[1]); err != nil {
			return err
		}
	}
	return nil
}

func (l liveAccounts) remove(ctx context.Context, id string) error {
	_, err := l.c.Do(ctx, "DELETE ACCOUNT "+id)
	return err
}

func (l liveAccounts) makeDefault(ctx context.Context, id string) error {
	_, err := l.c.Do(ctx, "SET DEFAULTACCOUNT "+id)
	return err
}

func (l liveAccounts) setPassword(ctx context.Context, id, password string) error {
	_, err := l.c.Do(ctx, "SET ACCOUNT "+id+" PASSWORD "+password)
	return err
}
