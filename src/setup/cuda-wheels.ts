import { machine, type WheelSource } from "./wheel.js"

/**
 * CUDA's wheels, by pip's names, and their SHA-256 for either machine.
 * @source the extra `and-cuda` of the wheel of tensorflow 2.21.0 names the packages and their oldest versions; these are the newest
 *   of the Python package index within its bounds, on manylinux_2_27 and older
 */
const cudaSha256: Readonly<Record<string, Readonly<Record<typeof machine, string>>>> = {
  "nvidia-cublas-cu12==12.9.3.13": {
    x86_64: "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72",
    aarch64: "918a8781956115d34b1db49e0e7b7befba8d101661c4b560ed4d42e0e17bebc3",
  },
  "nvidia-cuda-cupti-cu12==12.8.90": {
    x86_64: "ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182",
    aarch64: "4412396548808ddfed3f17a467b104ba7751e6b58678a4b840675c56d21cf7ed",
  },
  "nvidia-cuda-nvcc-cu12==12.9.86": {
    x86_64: "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
    aarch64: "44e1eca4d08926193a558d2434b1bf83d57b4d5743e0c431c0c83d51da1df62b",
  },
  "nvidia-cuda-nvrtc-cu12==12.9.86": {
    x86_64: "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
    aarch64: "096d4de6bda726415dfaf3198d4f5c522b8e70139c97feef5cd2ca6d4cd9cead",
  },
  "nvidia-cuda-runtime-cu12==12.9.79": {
    x86_64: "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
    aarch64: "83469a846206f2a733db0c42e223589ab62fd2fabac4432d2f8802de4bded0a4",
  },
  "nvidia-cudnn-cu12==9.28.0.42": {
    x86_64: "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375",
    aarch64: "f88db8fc1a0a5f458e19aa7b08fbe3500aeb9e2bb8dea6293ecbce170364ad72",
  },
  "nvidia-cufft-cu12==11.4.1.4": {
    x86_64: "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28",
    aarch64: "1a28c9b12260a1aa7a8fd12f5ebd82d027963d635ba82ff39a1acfa7c4c0fbcf",
  },
  "nvidia-curand-cu12==10.3.10.19": {
    x86_64: "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
    aarch64: "de663377feb1697e1d30ed587b07d5721fdd6d2015c738d7528a6002a6134d37",
  },
  "nvidia-cusolver-cu12==11.7.5.82": {
    x86_64: "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
    aarch64: "62efa83e4ace59a4c734d052bb72158e888aa7b770e1a5f601682f16fe5b4fd2",
  },
  "nvidia-cusparse-cu12==12.5.10.65": {
    x86_64: "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
    aarch64: "221c73e7482dd93eda44e65ce567c031c07e2f93f6fa0ecd3ba876a195023e83",
  },
  "nvidia-nccl-cu12==2.32.3": {
    x86_64: "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c",
    aarch64: "061af42ae1044816820e16b872075e243d1ac0656f51860fbc8e106c257aa83a",
  },
  "nvidia-nvjitlink-cu12==12.9.86": {
    x86_64: "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
    aarch64: "994a05ef08ef4b0b299829cde613a424382aff7efb08a7172c1fa616cc3af2ca",
  },
}

/** The wheels that hold the libraries of CUDA that the official wheel of TensorFlow needs, for this machine. */
export const cudaWheels = (): WheelSource[] =>
  Object.entries(cudaSha256).map(([requirement, sha256]) => ({ requirement, sha256: sha256[machine] }))
