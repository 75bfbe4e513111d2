# frozen_string_literal: true

# Runs a program's main file as the ruby command would, in an instance that has
# no command line of its own.

module SandpiperRun
  HERE = __FILE__
  OWN = [HERE, File.join(File.dirname(HERE), "sandpiper_kernel.rb")].freeze

  # What these would do needs other programs.
  UNAVAILABLE = %i[system spawn exec `].freeze

  # Blocks given to at_exit, the last one first.
  @at_exit = []

  class << self
    # Is called once, when the image is made that every program goes on from. It
    # loads what adds the place in the line and suggestions to an error's message,
    # as the ruby command does, and does what programs do first.
    def prepare
      $stdout.sync = $stderr.sync = true
      $LOAD_PATH.unshift(File.dirname(HERE))
      require "error_highlight"
      require "did_you_mean"
      3.times { warm }
      GC.start
    end

    # Sends signals to itself inside the handler of another one, where they wait,
    # and lets the driver look each time: asking for a clock's resolution does that.
    def signal
      look = -> { Process.clock_getres(Process::CLOCK_MONOTONIC) }
      trap("TERM") {}
      trap("INT") {}
      trap("USR1") do
        look.call
        %w[INT INT TERM].each do |name|
          Process.kill(name, Process.pid)
          look.call
        end
      end
      Process.kill("USR1", Process.pid)
      look.call
      %w[USR1 INT TERM].each { |name| trap(name, "DEFAULT") }
    end

    # Begins a run: with its own environment and random numbers.
    def enter(env)
      ENV.replace(env)
      srand
    end

    # Runs the script and ends the process with its exit code.
    def main(script, *args)
      $0 = script
      ARGV.replace(args)
      exit!(finish(guard { run(script) }))
    rescue Exception => error # a program that redefines what is used here
      $stderr.write("#{error.class}: #{error.message}\n")
      exit!(1)
    end

    # Is the command `ruby`: runs a file, a text or standard input in a folder.
    def command(folder, libraries, kind, value, *args)
      $0 = value
      ARGV.replace(args)
      exit!(finish(guard { Dir.chdir(folder) && start(libraries, kind, value) }))
    rescue Exception => error # a program that redefines what is used here
      $stderr.write("#{error.class}: #{error.message}\n")
      exit!(1)
    end

    # Returns an error's message and backtrace, without the frames of these scripts.
    def message_of(error)
      hide_frames(error)
      text(error)
    end

    def at_exit(block)
      @at_exit.unshift(block)
      block
    end

    private

    WARM_UP = <<~'RUBY'
      x = [3, 1, 2].sort.map { |n| n * 2 }.each_slice(2).to_a
      puts "#{x} #{{ a: 1, "b" => nil }} #{1.5.round} #{format("%05.1f", 2)}", :a.inspect, (1..3).sum, 2**70
      p x, "a b".split, "aab".gsub(/a+/) { $&.upcase }
      Point = Struct.new(:x, :y) unless defined?(Point)
      $stderr.puts [Point.new(1, 2)].to_h { |q| [q.x, q] }.inspect
      begin
        Integer("x")
      rescue ArgumentError => e
        warn e.full_message(highlight: false)
      end
      nil.unknown
    RUBY

    # Runs a text and reports its error, and one that cannot be parsed.
    def warm
      report(guard { run_text(WARM_UP, "warm") })
      report(guard { run_text("x = [1,", "warm") })
      report(guard { raise SystemExit })
    ensure
      Object.send(:remove_const, :Point)
    end

    def start(libraries, kind, text)
      libraries.each { |library| require library }
      case kind
      when "file" then run(text)
      when "code"
        $0 = "-e"
        run_text(text, "-e")
      else run_text($stdin.read, "-")
      end
    end

    def run_text(text, name)
      RubyVM::InstructionSequence.compile_prism(text, name, name).eval
    end

    def run(script)
      define_data(script)
      RubyVM::InstructionSequence.compile_file_prism(script).eval
    end

    # DATA reads what follows __END__.
    def define_data(script)
      offset = File.binread(script).index(/^__END__\r?(\n|\z)/n) or return
      data = File.open(script)
      data.seek(offset)
      data.gets
      Object.const_set(:DATA, data)
    end

    # Calls the block and returns the exception that ended it, if one did.
    def guard
      yield
      nil
    rescue Exception => error
      error
    end

    # Runs the at_exit blocks, which may replace the error, and returns the exit
    # code.
    def finish(error)
      while (block = @at_exit.shift)
        raised = guard { call_at_exit(block, error) }
        next if raised.nil? || raised.equal?(error)

        report(error)
        error = raised
      end
      report(error)
    end

    # $! is the error that the program ends with.
    def call_at_exit(block, error)
      return block.call unless error

      begin
        raise error
      rescue Exception
        block.call
      end
    end

    # Prints the error as Ruby does and returns the exit code that it means.
    def report(error)
      return 0 unless error
      return error.status if error.is_a?(SystemExit)

      $stdout.flush
      $stderr.write(message_of(error))
      1
    end

    # What could not be parsed has no backtrace, and neither has an error of the
    # memory's end.
    def text(error)
      return "#{error.detailed_message(highlight: false).chomp}\n" if (error.backtrace || []).empty?

      error.full_message(highlight: false, order: :top)
    end

    # Takes the frames of these scripts out of the backtraces of an error and its
    # causes.
    def hide_frames(error)
      seen = {}.compare_by_identity
      while error && !seen[error]
        seen[error] = true
        hide_own_frames(error)
        error = error.cause
      end
    end

    # The program's frames are those inside the innermost call of run.
    def hide_own_frames(error)
      locations = error.backtrace_locations or return
      own = locations.map { |location| OWN.include?(location.path) }
      outside = own.rindex(true) || own.size
      outside -= 1 while outside.positive? && own[outside - 1]
      error.set_backtrace(locations.take(outside).drop_while { |location| OWN.include?(location.path) })
    end
  end
end

module Kernel
  def at_exit(&block)
    raise ArgumentError, "called without a block" unless block

    SandpiperRun.at_exit(block)
  end

  SandpiperRun::UNAVAILABLE.each do |name|
    define_method(name) do |*, **|
      raise NotImplementedError, "#{name}() function is unimplemented on this machine"
    end
  end

  private :at_exit, *SandpiperRun::UNAVAILABLE
end
