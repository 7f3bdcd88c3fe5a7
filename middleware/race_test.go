//go:build race

package middleware_test

const crossingLeads = 1
