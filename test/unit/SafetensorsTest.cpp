//===- SafetensorsTest.cpp - Files of named arrays ------------------------===//

#include "weir/Support/Safetensors.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace weir;

/// A safetensors file with this header and these elements.
static std::string file(llvm::StringRef header, llvm::StringRef elements) {
  std::string text(8, '\0');
  text[0] = static_cast<char>(header.size() & 0xff);
  text[1] = static_cast<char>(header.size() >> 8);
  return text + header.str() + elements.str();
}

template <typename T>
static std::string message(llvm::Expected<T> result) {
  return result ? "" : llvm::toString(result.takeError());
}

TEST(Safetensors, ReadsTensorsByName) {
  llvm::StringRef header =
      R"({"__metadata__": {"format": "pt"},
          "w": {"dtype": "I16", "shape": [3, 1], "data_offsets": [1, 7]},
          "b": {"dtype": "BOOL", "shape": [], "data_offsets": [0, 1]},
          "e": {"dtype": "BF16", "shape": [0, 4], "data_offsets": [7, 7]}})";
  auto arrays = parseSafetensors(file(header, llvm::StringRef("\1\5\0\6\0\7\0", 7)));
  ASSERT_TRUE(static_cast<bool>(arrays));
  ASSERT_EQ(arrays->size(), 3u);
  EXPECT_EQ((*arrays)[0].first, "b");
  EXPECT_EQ((*arrays)[0].second.dtype, "b1");
  EXPECT_EQ((*arrays)[1].first, "e");
  EXPECT_EQ((*arrays)[1].second.dtype, "V2");
  const NpyArray &w = (*arrays)[2].second;
  EXPECT_EQ(w.shape, (std::vector<int64_t>{3, 1}));
  EXPECT_EQ(w.getElement(2), 7);
}

TEST(Safetensors, RefusesDamage) {
  auto refuses = [](llvm::StringRef header) {
    return message(parseSafetensors(file(header, "12345678")));
  };
  EXPECT_NE(message(parseSafetensors("")), "");
  EXPECT_NE(message(parseSafetensors(std::string(8, '\xff') + "{}")), "");
  EXPECT_NE(refuses("{"), "");
  EXPECT_NE(refuses("[]"), "");
  EXPECT_NE(refuses(R"({"w": 1})"), "");
  EXPECT_NE(refuses(R"({"w": {"dtype": "F32", "shape": [1]}})"), "");
  EXPECT_NE(refuses(R"({"w": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}})"),
            "");
  // Beyond the end, backwards, of another size, of more bytes than 64 bits count.
  EXPECT_NE(refuses(R"({"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}})"),
            "");
  EXPECT_NE(refuses(R"({"w": {"dtype": "F32", "shape": [0], "data_offsets": [4, 0]}})"),
            "");
  EXPECT_NE(refuses(R"({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}})"),
            "");
  EXPECT_NE(refuses(R"({"w": {"dtype": "F32", "shape": [4611686018427387904, 4],)"
                    R"( "data_offsets": [0, 0]}})"),
            "");
  EXPECT_NE(refuses(R"({"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})"),
            "");
  EXPECT_EQ(refuses("{}"), "");
  EXPECT_NE(message(readNamedArrays("weights.bin")), "");
  EXPECT_NE(message(readNamedArrays("absent.safetensors")), "");
}

namespace {
/// A file of arrays that a test may damage.
struct Npz : testing::Test {
  void SetUp() override {
    llvm::sys::fs::createTemporaryFile("weir", "npz", path);
    NpyArray array{"f4", {2, 3}, std::vector<char>(24, 1)};
    ASSERT_FALSE(static_cast<bool>(writeNpz(path, {{"a", array}, {"block.0", array}})));
  }
  void TearDown() override { llvm::sys::fs::remove(path); }
  std::string read() {
    return (*llvm::MemoryBuffer::getFile(path, false, false))->getBuffer().str();
  }
  std::string readDamaged(llvm::StringRef content) {
    std::error_code code;
    llvm::raw_fd_ostream(path, code) << content;
    return message(readNamedArrays(path));
  }
  llvm::SmallString<128> path;
};
} // namespace

TEST_F(Npz, ReadsWhatItWrites) {
  auto arrays = readNamedArrays(path);
  ASSERT_TRUE(static_cast<bool>(arrays));
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[1].first, "block.0");
  EXPECT_EQ((*arrays)[1].second.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ((*arrays)[1].second.bytes, std::vector<char>(24, 1));
}

TEST_F(Npz, RefusesDamage) {
  std::string whole = read();
  EXPECT_NE(readDamaged(whole.substr(0, whole.size() / 2)), "");
  EXPECT_NE(readDamaged("no zip"), "");
  EXPECT_NE(readDamaged(""), "");
  std::string flipped = whole; // the last element of the first array
  flipped[whole.find(std::string(24, 1)) + 23] ^= 2;
  EXPECT_NE(readDamaged(flipped), "");
  std::string renamed = whole; // no array any more
  for (size_t at; (at = renamed.find("a.npy")) != std::string::npos;)
    renamed[at + 4] = 'x';
  EXPECT_EQ(readDamaged(renamed), "");
}
