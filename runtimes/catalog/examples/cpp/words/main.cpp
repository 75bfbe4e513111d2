// Counts the words of standard input, and keeps the counts in a file.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

int main() {
    std::map<std::string, int> counts;
    for (std::string word; std::cin >> word;) {
        std::erase_if(word, [](unsigned char c) { return std::ispunct(c); });
        std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
        counts[word]++;
    }
    std::filesystem::create_directory("out"); // what is in out/ comes back from a run
    std::ofstream file("out/words.csv");
    file << "word,count\n";
    for (const auto& [word, count] : counts) {
        std::cout << count << ' ' << word << '\n';
        file << word << ',' << count << '\n';
    }
}
