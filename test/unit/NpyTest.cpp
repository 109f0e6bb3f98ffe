//===- NpyTest.cpp - NumPy's array files ----------------------------------===//

#include "weir/Support/Npy.h"
#include "gtest/gtest.h"

using namespace weir;

static NpyArray counting(std::vector<int64_t> shape) {
  NpyArray array;
  array.dtype = "i2";
  array.shape = std::move(shape);
  for (int16_t i = 0; i < array.numElements(); ++i)
    array.bytes.insert(array.bytes.end(), {static_cast<char>(i), 0});
  return array;
}

static std::string message(llvm::Expected<NpyArray> array) {
  return array ? "" : llvm::toString(array.takeError());
}

/// A file of version 1 with this header and these elements.
static std::string file(llvm::StringRef header, llvm::StringRef elements) {
  std::string text = "\x93NUMPY\x01";
  text += '\0';
  text += {static_cast<char>(header.size()), '\0'};
  return text + header.str() + elements.str();
}

TEST(Npy, ReadsWhatItWrites) {
  for (std::vector<int64_t> shape : {std::vector<int64_t>{}, {7}, {0, 3}, {2, 3, 4}}) {
    NpyArray array = counting(shape);
    std::string text = formatNpy(array);
    EXPECT_EQ((text.size() - array.bytes.size()) % 64, 0u);
    auto back = parseNpy(text);
    ASSERT_TRUE(static_cast<bool>(back));
    EXPECT_EQ(back->shape, array.shape);
    EXPECT_EQ(back->dtype, array.dtype);
    EXPECT_EQ(back->bytes, array.bytes);
  }
}

TEST(Npy, BringsColumnsIntoRows) {
  auto array =
      parseNpy(file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n",
                    llvm::StringRef("\0\3\1\4\2\5", 6)));
  ASSERT_TRUE(static_cast<bool>(array));
  EXPECT_EQ(array->bytes, (std::vector<char>{0, 1, 2, 3, 4, 5}));
}

TEST(Npy, SwapsBigEndian) {
  auto array = parseNpy(
      file("{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }\n", "\1\2"));
  ASSERT_TRUE(static_cast<bool>(array));
  EXPECT_EQ(array->bytes, (std::vector<char>{2, 1}));
}

TEST(Npy, RefusesWhatItCannotRead) {
  EXPECT_NE(message(parseNpy("")), "");
  EXPECT_NE(message(parseNpy("PK\3\4 a zip")), "");
  EXPECT_NE(message(parseNpy(formatNpy(counting({9})).substr(0, 100))), "");
  EXPECT_NE(message(parseNpy(file("{'descr': '<c8', 'shape': (1,), }\n", "12345678"))),
            "");
  EXPECT_NE(message(parseNpy(file("{'descr': '<i2', 'shape': (9,), }\n", "12"))), "");
  EXPECT_NE(message(parseNpy(file("{'descr': '<i2', 'shape': (-1,), }\n", ""))), "");
  EXPECT_NE(message(parseNpy(
                file("{'descr': '<i2', 'shape': (4611686018427387904, 4), }", ""))),
            "");
  // 2^62 elements of 4 bytes are no bytes in 64 bits.
  EXPECT_NE(
      message(parseNpy(file("{'descr': '<f4', 'shape': (576460752303423488, 8), }", ""))),
      "");
}
