#ifndef RESDET_SIGNALS_H_
#define RESDET_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

/**
 * No thread that computes takes signals. oneDNN's products lay their stack into a buffer on the heap, and a handler that
 * runs on that stack (Ctrl-C, a resized terminal, a profiler) writes over what lies before the buffer.
 */
namespace resdet {

/** All that may arrive at any time. What a fault of the thread itself raises stays on, to be reported as such. */
inline sigset_t AsynchronousSignals() {
  sigset_t set;
  sigfillset(&set);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&set, fault);
  return set;
}

/** While it lives this thread takes no signals, nor do the threads that are made meanwhile, ever. Pending ones come after. */
class SignalsHeld {
 public:
  SignalsHeld() {
    static const sigset_t held = AsynchronousSignals();
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

}  // namespace resdet

#endif
