//===- WeirTokenMapOps.td - Fixed linear maps along the tokens ------------===//

#ifndef WEIR_DIALECT_WEIR_WEIRTOKENMAPOPS_TD
#define WEIR_DIALECT_WEIR_WEIRTOKENMAPOPS_TD

include "weir/Dialect/Weir/WeirBase.td"
include "weir/Interfaces/FrequencyOpInterface.td"

class Weir_TokenMapOp<string mnemonic, list<string> flow, list<Trait> traits = []>
    : Weir_Op<mnemonic, !listconcat(traits,
        [DeclareOpInterfaceMethods<TokenFlowOpInterface, flow>])> {
  let arguments = (ins AnyStaticShapeTensor:$value, I64Attr:$dim);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
}

def Weir_DctOp : Weir_TokenMapOp<"dct", ["transferTokenFlow", "countMacs"],
    [DeclareOpInterfaceMethods<FrequencyOpInterface>]> {
  let summary = "Take the lowest frequencies along the tokens";
  let description = [{
    `result = D value` along `dim`, where D (m x n) holds the first m rows of the
    orthonormal DCT-II matrix (Scribano et al., J. Sci. Comput. 94, 2023):

        D[k, j] = c_k cos(pi (2j + 1) k / (2n))    c_0 = sqrt(1/n), c_k = sqrt(2/n)

    so that D D^T = 1, and D 1 = sqrt(n) e_0. n and m are the sizes of `dim` before and
    after.

    C1: `dim` exists in the value.
    C2: the result has the type of the value but for the size of `dim`.
    C3: elements are f32 or f64.
    C4: m <= n.

    ```mlir
    %c = weir.dct %x {dim = 1} : tensor<1x64x8xf32> -> tensor<1x16x8xf32>
    ```
  }];
}

def Weir_IdctOp : Weir_TokenMapOp<"idct",
    ["transferTokenFlow", "getMadeAxis", "buildOnRows", "countMacs"]> {
  let summary = "Make tokens of their lowest frequencies";
  let description = [{
    `result = D^T value` along `dim`, with D (m x n) of `weir.dct`: its inverse where
    m = n, and the tokens without their higher frequencies where m < n. m and n are the
    sizes of `dim` before and after.

    C1: `dim` exists in the value.
    C2: the result has the type of the value but for the size of `dim`.
    C3: elements are f32 or f64.
    C4: m <= n.

    ```mlir
    %y = weir.idct %c {dim = 1} : tensor<1x16x8xf32> -> tensor<1x64x8xf32>
    ```
  }];
}

def Weir_ResampleOp : Weir_TokenMapOp<"resample", ["transferTokenFlow", "countMacs"],
    [DeclareOpInterfaceMethods<FrequencyOpInterface>]> {
  let summary = "Resample the tokens to fewer by their lowest frequencies";
  let description = [{
    `result = R value` along `dim`, where R = sqrt(m/n) D_m^T D (m x n), with D (m x n)
    of `weir.dct` and D_m (m x m) the whole transform of m tokens:

        R[i, j] = 1/n (1 + 2 sum_(0<k<m) cos(pi (2i + 1) k / (2m)) cos(pi (2j + 1) k / (2n)))

    Rows of R sum to 1, and R is the identity at m = n.

    C1: `dim` exists in the value.
    C2: the result has the type of the value but for the size of `dim`.
    C3: elements are f32 or f64.
    C4: m <= n.

    ```mlir
    %p = weir.resample %x {dim = 1} : tensor<1x64x8xf32> -> tensor<1x16x8xf32>
    ```
  }];
  let hasFolder = 1;
}

def Weir_PoolOp : Weir_TokenMapOp<"pool", ["transferTokenFlow"]> {
  let summary = "Average blocks of neighbouring tokens";
  let description = [{
    Along `dim`, row i of the result is the mean of the i-th of m blocks of neighbouring
    rows of the value. Of n rows, the first n mod m blocks hold one more than the others.

    C1: `dim` exists in the value.
    C2: the result has the type of the value but for the size of `dim`.
    C3: elements are f32 or f64.
    C4: m <= n.

    ```mlir
    %p = weir.pool %x {dim = 1} : tensor<1x7x8xf32> -> tensor<1x3x8xf32>
    ```
  }];
  let hasFolder = 1;
}

#endif // WEIR_DIALECT_WEIR_WEIRTOKENMAPOPS_TD
