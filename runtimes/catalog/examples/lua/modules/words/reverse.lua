local words = {}

function words.reverse(word) return word:reverse() end

function words.isPalindrome(word) return word == word:reverse() end

return words
