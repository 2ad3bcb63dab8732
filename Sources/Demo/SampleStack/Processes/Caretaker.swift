import Glibc
import Synchronization

// Servers may not outlive the process that started them, however that ends: also after SIGKILL, when no code of ours
// runs any more. `PR_SET_PDEATHSIG` does not do: it fires when the *thread* that forked ends, it does not reach a
// server's own children, a stopped process does not notice, and folders stay.
//
// So a small shell stands beside us. It reads from a socket what we have started; when the socket closes, because we
// ended, it kills what is left, unmounts and removes. Each process is named with its start time, so that a number that
// was given to another process meanwhile is not killed.

/// Ends processes and removes folders after the death of this process.
package final class Caretaker: Sendable {
    package static let shared = Caretaker()

    /// The socket to the shell; -1 before the first use and when it could not be started.
    private let socket = Mutex<Int32>(-1)

    package func adopt(process pid: Int32) {
        guard let facts = processFacts(of: pid) else { return }
        tell("+process \(pid):\(facts.startTicks)")
    }

    package func release(process pid: Int32) { tell("-process \(pid)") }

    func adopt(folder: String) { tell("+folder \(folder)") }

    func release(folder: String) { tell("-folder \(folder)") }

    func adopt(mount: String) { tell("+mount \(mount)") }

    func release(mount: String) { tell("-mount \(mount)") }

    private func tell(_ line: String) {
        precondition(!line.contains("\n"), "a path of the stack may not hold a line break: \(line)")
        socket.withLock { socket in
            if socket < 0 { socket = Self.startShell() }
            guard socket >= 0 else { return }
            // MSG_NOSIGNAL: a shell that somebody killed must not take us with it.
            _ = Array("\(line)\n".utf8).withUnsafeBytes {
                send(socket, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    private static func startShell() -> Int32 {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return -1 }
        defer { close(ends[1]) }
        // Without a caretaker an orderly end still removes everything; only a killed one leaves it.
        guard (try? spawn(Command(["/bin/sh", "-c", script, "jaga-caretaker"]), standardInput: ends[1])) != nil else {
            close(ends[0])
            return -1
        }
        return ends[0]
    }

    private static let script = #"""
        trap '' HUP INT TERM QUIT
        processes= folders= mounts=
        without() { printf '%s' "$1" | while IFS= read -r item; do
            case $item in "$2"|"$2":[0-9]*) ;; *) printf '%s\n' "$item";; esac; done; }
        line_end='
        '
        while IFS=' ' read -r verb what; do
            case $verb in
                +process) processes="$processes$what$line_end" ;;
                -process) processes="$(without "$processes" "$what")$line_end" ;;
                +folder) folders="$folders$what$line_end" ;;
                -folder) folders="$(without "$folders" "$what")$line_end" ;;
                +mount) mounts="$mounts$what$line_end" ;;
                -mount) mounts="$(without "$mounts" "$what")$line_end" ;;
            esac
        done
        facts() { # sets parent and start of process $1
            { IFS= read -r text < "/proc/$1/stat"; } 2>/dev/null || return 1
            set -- ${text##*) }
            parent=$2; shift 19; start=$1
        }
        doomed=' '
        for item in $processes; do
            facts "${item%:*}" && [ "$start" = "${item#*:}" ] && doomed="$doomed${item%:*} "
        done
        if [ "$doomed" != ' ' ]; then
            before=
            while [ "$before" != "$doomed" ]; do
                before=$doomed
                for folder in /proc/[0-9]*; do
                    pid=${folder#/proc/}
                    facts "$pid" || continue
                    case $doomed in *" $pid "*) continue ;; esac
                    case $doomed in *" $parent "*) doomed="$doomed$pid " ;; esac
                done
            done
            kill -KILL $doomed 2>/dev/null
            rounds=0
            while kill -0 $doomed 2>/dev/null && [ $rounds -lt 50 ]; do sleep 0.1; rounds=$((rounds + 1)); done
        fi
        printf '%s' "$mounts" | while IFS= read -r item; do [ -n "$item" ] && umount -l "$item"; done
        printf '%s' "$folders" | while IFS= read -r item; do [ -n "$item" ] && rm -rf "$item"; done
        """#
}
