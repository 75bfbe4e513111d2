package components

import "strconv"

// nth returns what the i-th of several things is called, counting from 0.
func nth(noun string, i int) string {
	return noun + " " + strconv.Itoa(i+1)
}
