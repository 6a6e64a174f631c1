// Loads the libraries named in RESDET_PRELOAD (for all that come after), holding stderr back meanwhile: TensorFlow greets
// with two information lines that no log level silences. Every other line is passed on.
#include <dlfcn.h>
#include <node_api.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "signals.h"

NAPI_MODULE_INIT() {
  const char* list = std::getenv("RESDET_PRELOAD");
  std::stringstream paths(list ? list : "");
  std::FILE* held = std::tmpfile();
  int terminal = held ? dup(2) : -1;
  if (terminal >= 0) dup2(fileno(held), 2);
  std::string failure;
  {
    // A library may make threads while it is loaded.
    resdet::SignalsHeld signals;
    for (std::string path; std::getline(paths, path, ':');) {
      if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) && failure.empty()) failure = dlerror();
    }
  }
  if (terminal >= 0) {
    std::fflush(stderr);
    dup2(terminal, 2);
    close(terminal);
    std::rewind(held);
    char line[4096];
    while (std::fgets(line, sizeof line, held)) {
      bool greeting = std::strncmp(line, "WARNING: All log messages before absl", 37) == 0 ||
                      (line[0] == 'I' && std::strstr(line, "oneDNN custom operations are on"));
      if (!greeting) std::fputs(line, stderr);
    }
  }
  if (held) std::fclose(held);
  if (!failure.empty()) napi_throw_error(env, nullptr, failure.c_str());
  return exports;
}
