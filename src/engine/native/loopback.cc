// The entry for `bind` in a library's table of functions is given another function's address, as the dynamic linker would.
#include "loopback.h"

#include <elf.h>
#include <link.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace resdet {

namespace {

int BindHere(int socket, const sockaddr* address, socklen_t length) {
  if (address && address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in here;
    std::memcpy(&here, address, sizeof here);
    if (here.sin_addr.s_addr == htonl(INADDR_ANY)) here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(socket, reinterpret_cast<const sockaddr*>(&here), sizeof here);
  }
  if (address && address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 here;
    std::memcpy(&here, address, sizeof here);
    // ::ffff:127.0.0.1, since the socket serves both versions of the protocol and the others come by 127.0.0.1.
    static const uint8_t loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    if (IN6_IS_ADDR_UNSPECIFIED(&here.sin6_addr)) std::memcpy(&here.sin6_addr, loopback, sizeof loopback);
    return bind(socket, reinterpret_cast<const sockaddr*>(&here), sizeof here);
  }
  return bind(socket, address, length);
}

#if defined(__x86_64__)
bool IsFunctionEntry(uint32_t type) { return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT; }
#elif defined(__aarch64__)
bool IsFunctionEntry(uint32_t type) { return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT; }
#else
bool IsFunctionEntry(uint32_t) { return false; }
#endif

bool Replace(ElfW(Addr) entry) {
  const ElfW(Addr) page = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
  // The linker may have closed the table for writing.
  if (mprotect(reinterpret_cast<void*>(entry / page * page), page, PROT_READ | PROT_WRITE) != 0) return false;
  *reinterpret_cast<ElfW(Addr)*>(entry) = reinterpret_cast<ElfW(Addr)>(&BindHere);
  return true;
}

struct Search {
  const char* library;
  bool found;
};

int Visit(dl_phdr_info* object, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  if (!object->dlpi_name || !std::strstr(object->dlpi_name, search->library)) return 0;
  const ElfW(Dyn)* dynamic = nullptr;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const auto& header = object->dlpi_phdr[i];
    if (header.p_type == PT_DYNAMIC) {
      dynamic = reinterpret_cast<const ElfW(Dyn)*>(object->dlpi_addr + header.p_vaddr);
    }
  }
  const ElfW(Sym)* symbols = nullptr;
  const char* names = nullptr;
  const ElfW(Rela)* tables[2] = {nullptr, nullptr};
  size_t sizes[2] = {0, 0};
  for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
    const auto address = dynamic->d_un.d_ptr;
    if (dynamic->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(address);
    if (dynamic->d_tag == DT_STRTAB) names = reinterpret_cast<const char*>(address);
    if (dynamic->d_tag == DT_JMPREL) tables[0] = reinterpret_cast<const ElfW(Rela)*>(address);
    if (dynamic->d_tag == DT_PLTRELSZ) sizes[0] = dynamic->d_un.d_val;
    if (dynamic->d_tag == DT_RELA) tables[1] = reinterpret_cast<const ElfW(Rela)*>(address);
    if (dynamic->d_tag == DT_RELASZ) sizes[1] = dynamic->d_un.d_val;
  }
  if (!symbols || !names) return 0;
  for (int t = 0; t < 2; t++) {
    for (size_t i = 0; tables[t] && i < sizes[t] / sizeof(ElfW(Rela)); i++) {
      const auto& relocation = tables[t][i];
      if (!IsFunctionEntry(ELF64_R_TYPE(relocation.r_info))) continue;
      if (std::strcmp(names + symbols[ELF64_R_SYM(relocation.r_info)].st_name, "bind")) continue;
      search->found = Replace(object->dlpi_addr + relocation.r_offset) || search->found;
    }
  }
  return 0;
}

}  // namespace

bool KeepToLoopback(const char* library) {
  Search search{library, false};
  dl_iterate_phdr(Visit, &search);
  return search.found;
}

}  // namespace resdet
