//===- stream.cpp - A compiled model as a class ---------------------------===//
//   weir-compile examples/vowels/speaker_1.onnx -o speaker.o
//   clang++-22 -std=c++17 -I. examples/native/stream.cpp speaker.o -lm -o stream
//   ./stream < tokens.txt
// The same program as stream.c. A stream is a value: copying it forks it, and its bytes
// are what a file would hold.

#include "speaker.h"
#include <array>
#include <iomanip>
#include <iostream>
#include <optional>
#include <stdexcept>

class Stream {
public:
  using Token = std::array<float, SPEAKER_ELEMENTS_INPUT_TOKENS>;
  using Scores = std::array<float, SPEAKER_ELEMENTS_OUTPUT_SPEAKER>;

  Stream() { check(speaker_init(state.data())); }

  /// Goes on where the stream stood whose bytes these are.
  explicit Stream(const std::string &bytes) {
    check(speaker_load(state.data(), bytes.data(), bytes.size()));
  }
  std::string save() const { return {state.begin(), state.end()}; }

  /// Nothing until the window is full.
  std::optional<Scores> step(const Token &token) {
    Scores scores;
    if (check(speaker_step1(state.data(), token.data(), scores.data())) != SPEAKER_READY)
      return std::nullopt;
    return scores;
  }

private:
  static int check(int code) {
    if (code < 0)
      throw std::runtime_error(speaker_error(code));
    return code;
  }
  alignas(SPEAKER_ALIGNMENT) std::array<unsigned char, SPEAKER_STATE_BYTES> state;
};

static bool read(Stream::Token &token) {
  for (float &value : token)
    if (!(std::cin >> value))
      return false;
  return true;
}

int main() try {
  Stream stream;
  Stream::Token token;
  std::cout << std::fixed << std::setprecision(4);
  while (read(token)) {
    std::optional<Stream::Scores> scores = stream.step(token);
    if (!scores)
      continue;
    for (size_t i = 0; i < scores->size(); ++i)
      std::cout << (i ? " " : "") << (*scores)[i];
    std::cout << "\n";
    stream = Stream(stream.save()); // as another process would
  }
} catch (const std::exception &error) {
  std::cerr << "stream: " << error.what() << "\n";
  return 1;
}
